// What the tests of this room share: the zoo's files, folders that vanish, errors that are looked at, calls that are written down.
#pragma once
#include <boost/test/unit_test.hpp>

#include <array>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <stdlib.h>

#include "base/files.h"
#include "plugin/instance.h"

namespace trainhost {

inline std::filesystem::path zoo_file(const std::string& name) { return std::filesystem::path(TRAINHOST_BUILD_DIR) / "zoo" / (name + ".so"); }

/// The record `name` of a zoo file; its only one when no name is given.
inline PluginRecord zoo_record(const std::string& file, const std::string& name = "") {
  for (const PluginRecord& record : read_records(zoo_file(file)))
    if (name.empty() || record.name == name) return record;
  throw Error(ExitCode::kFailure, "the zoo has no " + name);
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trainhost-plugin-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    write_file_atomically(path_ / name, bytes);
    return path_ / name;
  }
  /// A copy of a file of the zoo.
  std::filesystem::path add(const std::string& zoo_name, const std::string& name) const { return write(name, read_file(zoo_file(zoo_name))); }

 private:
  std::filesystem::path path_;
};

/// Runs `function`; it must throw an Error with this code whose message holds every one of the fragments. Returns the message.
template <class Function>
std::string expect_error(ExitCode code, std::initializer_list<std::string_view> fragments, Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    BOOST_TEST(static_cast<int>(error.code()) == static_cast<int>(code));
    for (const std::string_view fragment : fragments)
      BOOST_TEST(std::string_view(error.what()).find(fragment) != std::string_view::npos, "\"" << error.what() << "\" lacks \"" << fragment << "\"");
    return error.what();
  }
  BOOST_ERROR("nothing was thrown");
  return "";
}

/// Where the zoo's plugins write down what was called.
class Trace {
 public:
  std::string text() const { return buffer_.data(); }
  /// A config for the zoo: how to misbehave, and the address of this buffer.
  std::string config(std::string_view behaviour = "") const {
    return format("{{\"behaviour\":\"{}\",\"trace\":{}}}", behaviour, reinterpret_cast<uintptr_t>(buffer_.data()));
  }

 private:
  std::array<char, 4096> buffer_{};
};

inline std::unique_ptr<Instance> zoo_instance(const std::string& file, const std::string& name = "", std::string_view behaviour = "",
                                              InstanceServices services = {}) {
  return Instance::create(zoo_record(file, name), format("{{\"behaviour\":\"{}\"}}", behaviour), std::move(services));
}

/// "+kind/name" for each call begun, "-" for each one ended.
class RecordingMeter : public CallMeter {
 public:
  uint32_t open_account(const std::string& plugin) override {
    names.push_back(plugin);
    return static_cast<uint32_t>(names.size() - 1);
  }
  void enter(uint32_t account, const char*) override { ++open_, text += "+" + names.at(account) + " "; }
  void leave(uint32_t account) override { --open_, text += "-" + names.at(account) + " "; }
  int num_open() const { return open_; }

  std::vector<std::string> names;
  std::string text;

 private:
  int open_ = 0;
};

}  // namespace trainhost
