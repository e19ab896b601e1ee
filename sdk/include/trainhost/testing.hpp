// Tests of a plugin through the C ABI, as the host uses it: PluginUnderTest opens the built file, FakeHost stands in for the host.
//
//   PluginUnderTest rule;
//   rule.create(R"({"patience": 3})").start();
//   BOOST_TEST(check(rule, progress, {{.value = 2.5}}).stop == TRAINHOST_STOP_NO);
#pragma once

#include "trainhost/testing/data.hpp"
#include "trainhost/testing/kinds.hpp"
#include "trainhost/testing/plugin.hpp"
