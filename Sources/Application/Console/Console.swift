// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird
import HummingbirdTLS
import Mustache
import X509
import CryptoExtras
