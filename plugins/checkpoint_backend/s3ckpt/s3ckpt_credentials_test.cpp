// Where keys come from, that they are renewed in time, and that they are seen nowhere.
#include <boost/test/unit_test.hpp>

#include <fstream>

#include "testing/backend.h"

using namespace s3ckpt::testing;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

/// A home without keys, and a store that gives some to the machine's metadata service.
struct Home {
  fs::path path = make();
  Variable home{"HOME", path.string()}, id{"AWS_ACCESS_KEY_ID", ""}, secret{"AWS_SECRET_ACCESS_KEY", ""}, token{"AWS_SESSION_TOKEN", ""},
      profile{"AWS_PROFILE", ""}, region{"AWS_REGION", ""}, endpoint{"AWS_ENDPOINT_URL", ""}, is_disabled{"AWS_EC2_METADATA_DISABLED", "true"},
      metadata{"AWS_EC2_METADATA_SERVICE_ENDPOINT", ""}, credentials_file{"AWS_SHARED_CREDENTIALS_FILE", ""}, config_file{"AWS_CONFIG_FILE", ""};
  Server server{"fault_server.py"};
  std::string url = server.first_line();

  static fs::path make() {
    std::string name = (fs::temp_directory_path() / "trainhost-home-XXXXXX").string();
    return ::mkdtemp(name.data());
  }
  ~Home() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(path / ".aws");
    std::ofstream(path / ".aws" / name) << text;
  }
};

/// As on an EC2 instance with a role.
struct Instance {
  Variable is_disabled{"AWS_EC2_METADATA_DISABLED", ""}, endpoint;
  explicit Instance(const std::string& url) : endpoint("AWS_EC2_METADATA_SERVICE_ENDPOINT", url) {}
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(s3ckpt_credentials_test, Home)

BOOST_AUTO_TEST_CASE(without_any_it_says_where_it_looked) {
  const std::string words = words_of([&] { Backend backend(url); });
  BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_PERMISSION_DENIED);
  for (const char* place : {"AWS_ACCESS_KEY_ID", "~/.aws/credentials", "~/.aws/config", "metadata", "AWS_PROFILE"})
    BOOST_TEST(words.find(place) != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(half_a_pair_in_the_environment_is_refused) {
  const Variable half("AWS_ACCESS_KEY_ID", "TESTKEY");
  BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(the_credentials_file_is_read) {
  write("credentials",
        "# mine\n[other]\naws_access_key_id = NOBODY\naws_secret_access_key = x\n\n[default]\naws_access_key_id=TESTKEY\naws_secret_access_key = "
        "test/secret+key\n");
  Backend(url).put("a", "x");
  const Variable other("AWS_PROFILE", "other");
  BOOST_TEST(words_of([&] { Backend backend(url); }).find("the AWS profile") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_profile_of_the_config_file_brings_keys_region_and_endpoint) {
  server.ask("set region eu-west-3");
  write("config", format("[default]\nregion = us-west-2\n[profile trainer]\nregion = eu-west-3\nendpoint_url = {}\ns3 =\n  region = nested\naws_access_key_id "
                         "= TESTKEY\naws_secret_access_key = test/secret+key\n",
                         url));
  const Variable profile_name("AWS_PROFILE", "trainer");
  PluginUnderTest plugin;
  plugin.create(R"({"uri":"s3://bucket/x"})").start();
}

BOOST_AUTO_TEST_CASE(a_profile_that_is_not_there_is_refused_by_name) {
  write("config", "[default]\n");
  const Variable profile_name("AWS_PROFILE", "nobody");
  BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_INVALID_ARGUMENT);
  BOOST_TEST(words_of([&] { Backend backend(url); }).find("AWS_PROFILE=nobody") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_profile_of_single_sign_on_says_what_to_do) {
  write("config", "[default]\nsso_session = corporate\n");
  const std::string words = words_of([&] { Backend backend(url); });
  BOOST_TEST(words.find("sso_session") != std::string::npos);
  BOOST_TEST(words.find("export-credentials") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(endpoint_variables_are_read_the_special_one_first) {
  const Variable keys("AWS_ACCESS_KEY_ID", "TESTKEY"), more("AWS_SECRET_ACCESS_KEY", "test/secret+key");
  const Variable general("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
  const Variable special("AWS_ENDPOINT_URL_S3", url);
  PluginUnderTest plugin;
  plugin.create(R"({"uri":"s3://bucket/x"})").start();
}

BOOST_AUTO_TEST_CASE(without_region_and_endpoint_it_does_not_guess) {
  PluginUnderTest plugin;
  plugin.create(R"({"uri":"s3://bucket/x"})");
  BOOST_TEST(status_of([&] { plugin.start(); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(an_instance_role_is_used) {
  const Instance instance(url);
  Backend backend(url);
  backend.put("a", "x");
  backend.put("b", "x");
  BOOST_TEST(server.ask("count ^GET /latest/meta-data/iam/security-credentials/trainer-role") == "1");  // kept
}

BOOST_AUTO_TEST_CASE(keys_are_renewed_before_they_expire) {
  const Instance instance(url);
  server.ask("set lifetime 200");  // that soon is "about to expire"
  Backend backend(url);
  backend.put("a", "x");
  BOOST_TEST(std::stoi(server.ask("count ^GET /latest/meta-data/iam/security-credentials/trainer-role")) >= 3);
}

BOOST_AUTO_TEST_CASE(keys_that_cannot_be_renewed_are_used_to_their_end) {
  const Instance instance(url);
  server.ask("set lifetime 200");
  Backend backend(url);
  server.ask("fault 999 status=500 ^(GET|PUT) /latest/");
  backend.put("a", "x");
  BOOST_TEST(server.ask("count ^PUT /latest/") == "2");  // one more try, and then not again at once
}

BOOST_AUTO_TEST_CASE(a_token_that_the_store_calls_expired_is_replaced_at_once) {
  const Instance instance(url);
  Backend backend(url);
  backend.create("before", "x");
  server.ask("set oldest_token 2");
  backend.create("a", "x");  // a PUT says why it is refused
  server.ask("set oldest_token 3");
  backend.put("b", "x");  // a HEAD does not
  BOOST_TEST(server.ask("count ^GET /latest/meta-data/iam/security-credentials/trainer-role") == "3");
}

BOOST_AUTO_TEST_CASE(a_token_that_stays_expired_is_a_failure) {
  const Instance instance(url);
  server.ask("set oldest_token 999");
  BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_PERMISSION_DENIED);
  BOOST_TEST(words_of([&] { Backend backend(url); }).find("the instance metadata service") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_container_role_is_used_with_its_token) {
  const Variable full("AWS_CONTAINER_CREDENTIALS_FULL_URI", url + "/container/keys");
  {
    const Variable authorization("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-secret");
    Backend(url).put("a", "x");
  }
  write("token", "container-secret\n");
  const Variable file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", (path / ".aws/token").string());
  BOOST_TEST(Backend(url).get("a") == "x");
  const Variable wrong("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/dev/null");
  BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_PERMISSION_DENIED);
}

BOOST_AUTO_TEST_CASE(keys_for_a_container_are_not_asked_for_over_an_open_network) {
  const Variable full("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/keys");
  BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(no_secret_is_logged) {
  const Variable keys("AWS_ACCESS_KEY_ID", "TESTKEY"), more("AWS_SECRET_ACCESS_KEY", "test/secret+key");
  Backend backend(url, "\"tries\":3");
  server.ask("fault 2 status=500 ^PUT ");
  server.ask("fault 9 status=403,AccessDenied ^DELETE ");
  backend.put("a", "x");
  BOOST_TEST(status_of([&] { backend.remove("a"); }) == TRAINHOST_PERMISSION_DENIED);
  BOOST_TEST(!backend.host().log().empty());
  for (const auto& line : backend.host().log()) BOOST_TEST(line.text.find("secret+key") == std::string::npos, line.text);
}

BOOST_AUTO_TEST_SUITE_END()
