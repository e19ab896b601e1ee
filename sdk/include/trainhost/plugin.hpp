// Writing a plugin in C++20: derive from the class of the kind, override, and hand the class to TRAINHOST_PLUGIN. sdk/template is the smallest whole one.
//
// Everything here is compiled into the plugin: it is no part of the ABI, and a file that was built with another version of it works as well. No exception
// of yours reaches the host: PluginError becomes its status, anything else TRAINHOST_INTERNAL. LibTorch kinds: also include trainhost/torch/<kind>.h.
// The classes stand in the inline namespace sdk: you write trainhost::StoppingRule, and a program that holds the host's class of that name as well keeps both.
#pragma once

#include "trainhost/cpp/accumulation_schedule.hpp"
#include "trainhost/cpp/checkpoint_backend.hpp"
#include "trainhost/cpp/data_source.hpp"
#include "trainhost/cpp/define.hpp"
#include "trainhost/cpp/lr_schedule.hpp"
#include "trainhost/cpp/observer.hpp"
#include "trainhost/cpp/precision_policy.hpp"
#include "trainhost/cpp/stopping_rule.hpp"
