// Starting a program, with its output in memory: what run_plain() and run_traced() share.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "traced.h"

namespace crash {

/// Throws std::system_error with the errno of now.
void check(bool is_right, const char* what);

/// A file in memory that takes stdout and stderr.
class Output {
 public:
  Output();
  ~Output();
  Output(const Output&) = delete;
  int descriptor() const { return descriptor_; }
  std::string text() const;

 private:
  int descriptor_;
};

/// Null: the program writes where this one does. A traced one stops itself before it becomes the command.
pid_t spawn(const std::vector<std::string>& command, const Output* output, bool is_traced);

/// The code that a shell would show.
int exit_code_of(int status);

}  // namespace crash
