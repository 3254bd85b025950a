#ifndef BULWARK_CSIMDJSON_H
#define BULWARK_CSIMDJSON_H
#ifdef __cplusplus
extern "C" {
#endif
int bulwark_simdjson_placeholder(void);
#ifdef __cplusplus
}
#endif
#endif
