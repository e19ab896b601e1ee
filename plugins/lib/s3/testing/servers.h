// For tests: a server process of this folder, spoken to in lines.
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

#include <trainhost/format.hpp>

namespace trainhost::s3::testing {

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
    const std::string path = required_variable("TRAINHOST_SOURCE_DIR") + "/plugins/lib/s3/testing/" + script;
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

}  // namespace trainhost::s3::testing
