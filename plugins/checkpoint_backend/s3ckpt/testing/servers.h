// For tests: a server process of this folder, spoken to in lines; and the plugin in a bucket of it, with its calls as C++.
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <trainhost/checkpoint_backend.h>
#include <trainhost/format.hpp>
#include <trainhost/testing.hpp>

#include "base/crc32c.h"

namespace s3ckpt::testing {

using trainhost::c_string;
using trainhost::call;
using trainhost::format;
using trainhost::view;

/// An environment variable for the length of a test.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    const char* before = std::getenv(name_.c_str());
    if (before) before_ = before, was_set_ = true;
    if (value.empty())
      ::unsetenv(name_.c_str());
    else
      ::setenv(name_.c_str(), value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { was_set_ ? ::setenv(name_.c_str(), before_.c_str(), 1) : ::unsetenv(name_.c_str()); }

 private:
  std::string name_, before_;
  bool was_set_ = false;
};

inline std::string required_variable(const char* name) {
  const char* value = std::getenv(name);
  if (!value || !*value) throw std::runtime_error(format("{} is not set; run this test through ctest", name));
  return value;
}

/// A Python script of testing/ with pipes to its standard input and output; it ends when its input does.
class Server {
 public:
  explicit Server(const std::string& script, const std::vector<std::string>& arguments = {}) {
    int to_child[2], from_child[2];
    if (::pipe2(to_child, O_CLOEXEC) != 0 || ::pipe2(from_child, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const std::string python = required_variable("TRAINHOST_PYTHON"), modules = required_variable("TRAINHOST_TEST_MODULES");
    const std::string path = required_variable("TRAINHOST_SOURCE_DIR") + "/plugins/checkpoint_backend/s3ckpt/testing/" + script;
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(to_child[0], 0);
      ::dup2(from_child[1], 1);
      ::setenv("PYTHONPATH", modules.c_str(), 1);
      ::setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
      std::vector<std::string> words{python, path};
      words.insert(words.end(), arguments.begin(), arguments.end());
      std::vector<char*> pointers;
      for (std::string& word : words) pointers.push_back(word.data());
      pointers.push_back(nullptr);
      ::execv(python.c_str(), pointers.data());
      ::_exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    to_ = ::fdopen(to_child[1], "w");
    from_ = ::fdopen(from_child[0], "r");
    first_line_ = read_line();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    std::fclose(to_);
    std::fclose(from_);
    ::waitpid(process_, nullptr, 0);
  }

  /// What the script said when it was ready: its address.
  const std::string& first_line() const { return first_line_; }

  template <class... Values>
  std::string ask(std::string_view pattern, const Values&... values) {
    const std::string line = format(pattern, values...) + "\n";
    std::fputs(line.c_str(), to_);
    std::fflush(to_);
    return read_line();
  }

 private:
  std::string read_line() {
    std::string line;
    for (int c; (c = std::fgetc(from_)) != '\n';) {
      if (c == EOF) throw std::runtime_error("the server process ended: " + line);
      line += static_cast<char>(c);
    }
    return line;
  }

  pid_t process_ = 0;
  std::FILE *to_ = nullptr, *from_ = nullptr;
  std::string first_line_;
};

/// The plugin as the host uses it. Keys and region come from the environment; config is more JSON: R"("tries":2)".
class Backend {
 public:
  explicit Backend(const std::string& endpoint, const std::string& config = "", const std::string& uri = "s3://bucket/runs/a") {
    plugin_.create(format(R"({{"uri":"{}","endpoint":"{}"{}{}}})", uri, endpoint, config.empty() ? "" : ",", config)).start();
    table_ = &plugin_.table<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND);
  }
  trainhost_put* begin(const std::string& key, uint64_t size, uint64_t* part = nullptr) {
    trainhost_put* put = nullptr;
    uint64_t wish = 4096;
    call(table_->put_begin, plugin_.c(), c_string(key), size, part ? part : &wish, &put);
    return put;
  }
  void part(trainhost_put* put, uint64_t offset, std::string_view bytes) {
    call(table_->put_part, put, offset, static_cast<const void*>(bytes.data()), bytes.size(), trainhost::crc32c(bytes.data(), bytes.size()));
  }
  void part_with(trainhost_put* put, std::string_view bytes, uint32_t crc) {
    call(table_->put_part, put, uint64_t{0}, static_cast<const void*>(bytes.data()), bytes.size(), crc);
  }
  void commit(trainhost_put* put) { call(table_->put_commit, put); }
  void abort(trainhost_put* put) { table_->put_abort(put); }
  void put(const std::string& key, std::string_view bytes) {
    uint64_t part_bytes = 4096;
    trainhost_put* const put = begin(key, bytes.size(), &part_bytes);
    try {
      for (size_t at = 0; at < bytes.size(); at += part_bytes) part(put, at, bytes.substr(at, part_bytes));
    } catch (...) {
      abort(put);
      throw;
    }
    commit(put);
  }
  void create(const std::string& key, const std::string& bytes) {
    call(table_->create, plugin_.c(), c_string(key), static_cast<const void*>(bytes.data()), bytes.size());
  }
  std::string get(const std::string& key, uint64_t offset = 0, uint64_t size = 1 << 20) {
    std::string bytes(size, '?');
    uint64_t got = 0;
    call(table_->get, plugin_.c(), c_string(key), offset, static_cast<void*>(bytes.data()), size, &got);
    return bytes.substr(0, got);
  }
  std::vector<std::string> list(const std::string& prefix = "", size_t limit = 100'000) {
    struct Seen {
      std::vector<std::string> keys;
      size_t limit;
    } seen{{}, limit};
    const auto visit = [](void* context, const trainhost_object* object) -> int32_t {
      Seen& to = *static_cast<Seen*>(context);
      to.keys.emplace_back(view(object->key));
      return to.keys.size() >= to.limit;
    };
    call(table_->list, plugin_.c(), c_string(prefix), static_cast<void*>(&seen), static_cast<int32_t (*)(void*, const trainhost_object*)>(visit));
    return seen.keys;
  }
  void remove(const std::string& key) { call(table_->remove, plugin_.c(), c_string(key)); }
  trainhost::testing::FakeHost& host() { return plugin_.host; }

 private:
  trainhost::testing::PluginUnderTest plugin_;
  const trainhost_checkpoint_backend* table_;
};

/// Bytes that no two places of which are alike.
inline std::string pattern_bytes(size_t size) {
  std::string bytes(size, '\0');
  uint64_t state = size + 1;
  for (char& byte : bytes) state = state * 6364136223846793005u + 1442695040888963407u, byte = static_cast<char>(state >> 56);
  return bytes;
}

}  // namespace s3ckpt::testing
