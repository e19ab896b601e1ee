// Opens a built plugin file and makes instances of what is in it, through the C ABI as the host does.
#pragma once

#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trainhost/plugin.h"
#include "trainhost/state.h"
#include "trainhost/testing/host.hpp"

namespace trainhost::testing {

#ifdef TRAINHOST_PLUGIN_FILE
// The file that this test program belongs to: beside the program's folder in a staged tree, else where it was built.
inline std::string plugin_file() {
  const std::filesystem::path built = TRAINHOST_PLUGIN_FILE;
  const auto staged = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "plugins" / built.filename();
  return std::filesystem::exists(staged) ? staged.string() : built.string();
}
#else
inline std::string plugin_file() { throw PluginError(TRAINHOST_FAILED_PRECONDITION, "TRAINHOST_PLUGIN_FILE is not defined; name the file"); }
#endif

// Stays loaded until the process ends, as in the host.
class PluginFile {
 public:
  explicit PluginFile(std::string path) : path_(std::move(path)) {
    void* handle = dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) throw PluginError(TRAINHOST_NOT_FOUND, dlerror());
    const auto entry = reinterpret_cast<const trainhost_entry* (*)()>(dlsym(handle, "trainhost_plugin_entry_1"));
    if (!entry) throw PluginError(TRAINHOST_NOT_FOUND, path_ + ": exports no trainhost_plugin_entry_1");
    entry_ = entry();
  }

  const trainhost_entry& entry() const { return *entry_; }

  // The descriptor of that name, "patience" or "stopping_rule/patience"; an empty name is the first.
  const trainhost_descriptor& descriptor(std::string_view name = {}) const {
    for (std::uint32_t i = 0; i < entry_->num_descriptors; ++i) {
      const trainhost_descriptor& one = *entry_->descriptors[i];
      if (name.empty() || view(one.name) == name || format("{}/{}", view(one.kind), view(one.name)) == name) return one;
    }
    throw PluginError(TRAINHOST_NOT_FOUND, format("{}: holds no plugin \"{}\"", path_, name));
  }

  // The records of section .trainhost.plugin, read from the file as the host does before it loads it.
  std::vector<std::string> metadata_records() const {
    std::ifstream in(path_, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    const auto& header = *reinterpret_cast<const Elf64_Ehdr*>(bytes.data());
    const auto* sections = reinterpret_cast<const Elf64_Shdr*>(bytes.data() + header.e_shoff);
    const char* names = bytes.data() + sections[header.e_shstrndx].sh_offset;
    std::vector<std::string> records;
    for (int i = 0; i < header.e_shnum; ++i) {
      if (std::string_view(names + sections[i].sh_name) != ".trainhost.plugin") continue;
      const std::string_view section(bytes.data() + sections[i].sh_offset, sections[i].sh_size);
      for (std::size_t begin = 0, end; begin < section.size(); begin = end + 1) {
        end = std::min(section.find('\0', begin), section.size());
        if (end > begin) records.emplace_back(section.substr(begin, end - begin));
      }
    }
    return records;
  }

 private:
  std::string path_;
  const trainhost_entry* entry_;
};

// One instance and its host. Failures of calls are thrown as PluginError with the plugin's status and words.
class PluginUnderTest {
 public:
  // Made by create(), so that a test can set the host up first. Left out: the file of this test program, its first plugin.
  explicit PluginUnderTest(std::string_view name = {}, const std::string& file = plugin_file()) : file_(file), descriptor_(&file_.descriptor(name)) {}
  PluginUnderTest(const PluginUnderTest&) = delete;
  PluginUnderTest& operator=(const PluginUnderTest&) = delete;
  ~PluginUnderTest() { destroy(); }

  FakeHost host;

  PluginUnderTest& create(std::string_view config_json = "{}") {
    destroy();
    call(file_.entry().create, host.c(), descriptor_, c_string(config_json), &instance_);
    return *this;
  }
  // Takes over an instance that was made another way, with this object's host.
  void adopt(trainhost_instance* made) {
    destroy();
    instance_ = made;
  }
  PluginUnderTest& start() {
    is_started_ = true;
    if (instance_->start) trainhost::call(instance_->start, instance_);
    return *this;
  }
  void stop() {
    if (std::exchange(is_started_, false) && instance_->stop) instance_->stop(instance_);
  }
  void destroy() {
    if (!instance_) return;
    stop();
    trainhost_instance* gone = std::exchange(instance_, nullptr);
    gone->destroy(gone);
  }

  trainhost_instance* c() const { return instance_; }
  const PluginFile& file() const { return file_; }
  const trainhost_descriptor& descriptor() const { return *descriptor_; }

  bool has(const char* id) const { return instance_->get_interface(instance_, id) != nullptr; }
  template <class Table>
  const Table& table(const char* id) const {
    const void* found = instance_->get_interface(instance_, id);
    if (!found) throw PluginError(TRAINHOST_UNIMPLEMENTED, format("the plugin has no {}", id));
    return *static_cast<const Table*>(found);
  }

  std::string save() const {
    std::string bytes;
    const trainhost_writer writer{&bytes, [](void* impl, const void* data, std::uint64_t size, trainhost_error*) -> trainhost_status {
                                    static_cast<std::string*>(impl)->append(static_cast<const char*>(data), size);
                                    return TRAINHOST_OK;
                                  }};
    call(table<trainhost_state>(TRAINHOST_STATE).save, instance_, &writer);
    return bytes;
  }
  PluginUnderTest& load(std::string_view state, std::string_view saved_by_version = "1.0.0") {
    call(table<trainhost_state>(TRAINHOST_STATE).load, instance_, c_string(saved_by_version), static_cast<const void*>(state.data()), state.size());
    return *this;
  }

 private:
  PluginFile file_;
  const trainhost_descriptor* descriptor_;
  trainhost_instance* instance_ = nullptr;
  bool is_started_ = false;
};

// The status that a call ends with, for BOOST_TEST(status_of([&] { plugin.start(); }) == TRAINHOST_NOT_FOUND).
template <class Call>
trainhost_status status_of(Call&& body) {
  try {
    body();
    return TRAINHOST_OK;
  } catch (const PluginError& error) {
    return error.status;
  }
}

// The words that a call fails with; empty when it does not.
template <class Call>
std::string words_of(Call&& body) {
  try {
    body();
    return {};
  } catch (const PluginError& error) {
    return error.message;
  }
}

}  // namespace trainhost::testing
