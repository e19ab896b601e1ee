// First-party plugins that link LibTorch keep their promises on a GPU too. Only there a wait for the device shows whatever operator makes it.
#include <sys/wait.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Checked {
  std::string output;
  int exit_code = -1;
};

// The program of the build folder or of the staged tree, which have one layout.
Checked check_on_gpu(const std::string& kind, const std::string& name) {
  const char* given = std::getenv("TRAINHOST_BUILD_DIR");
  const std::string build = given ? given : TRAINHOST_BUILD_DIR;
  const std::string command = "'" + build + "/bin/trainhost' plugins check '" + build + "/plugins/" + kind + "-" + name + ".so' --device cuda --only " + kind +
                              "/ --reproduce 1 --time-limit 120 2>&1";
  Checked checked;
  FILE* pipe = ::popen(command.c_str(), "r");
  BOOST_REQUIRE(pipe);
  for (char buffer[4096]; std::fgets(buffer, sizeof buffer, pipe);) checked.output += buffer;
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) checked.exit_code = WEXITSTATUS(status);
  return checked;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(device_gpu_test)

BOOST_DATA_TEST_CASE(plugins_keep_what_their_kind_promises,
                     boost::unit_test::data::make({"model", "model", "optimizer"}) ^ boost::unit_test::data::make({"gpt", "mlp", "adamw"}), kind, name) {
  const Checked checked = check_on_gpu(kind, name);
  BOOST_TEST_INFO(checked.output);
  BOOST_TEST(checked.exit_code == 0);
  BOOST_TEST(checked.output.find(" passed, 0 failed, 0 skipped\n") != std::string::npos, checked.output);
}

BOOST_AUTO_TEST_SUITE_END()
