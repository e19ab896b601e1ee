/* The zoo's stopping rule under a name and schema with which a config can ask for each of its lies: it throws and writes past its verdict without any glue. */
#define ZOO_NAME unruly
#define ZOO_METADATA                                                                                                                        \
  "{\"abi\":1,\"min_host_minor\":0,\"kind\":\"stopping_rule\",\"name\":\"unruly\",\"version\":\"1.0.0\",\"summary\":\"for tests: breaks the contract\","  \
  "\"schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"behaviour\":{\"type\":\"string\",\"description\":\"how\"}}}," \
  "\"torch_build\":null,\"needs\":[],\"stateful\":true}"
#include "rule.c"
