// What the tests of the config room share.
#pragma once
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace nlohmann {
inline std::ostream& boost_test_print_type(std::ostream& out, const json& value) { return out << value.dump(); }
inline void showValue(const json& value, std::ostream& out) { out << value.dump(); }
}  // namespace nlohmann

namespace trainhost {

/// The message of the Error that `action` throws; "(no error)" when it does not.
template <class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

/// A folder of the test's own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device random;
    path_ = std::filesystem::temp_directory_path() / format("trainhost-config-{:x}{:x}", random(), random());
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace trainhost
