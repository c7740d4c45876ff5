// nghttp2 as Swift sees it: the library's own header, nothing else.
#ifndef QWEN_GATEWAY_CNGHTTP2_SHIM_H
#define QWEN_GATEWAY_CNGHTTP2_SHIM_H
#include <nghttp2/nghttp2.h>
#endif
