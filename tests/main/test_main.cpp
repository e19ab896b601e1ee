// The main function of every test program; a program is one Boost.Test module with one suite a source file.
#define BOOST_TEST_MODULE trainhost
#include <boost/test/unit_test.hpp>
