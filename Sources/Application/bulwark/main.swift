// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
print("bulwark")
