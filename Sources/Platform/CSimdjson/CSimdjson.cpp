#include "CSimdjson.h"
#include <simdjson.h>
extern "C" int bulwark_simdjson_placeholder(void) { return 0; }
