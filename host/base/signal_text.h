// Text that is put together and written inside of a signal handler: a fixed buffer, no allocation, no locale.
#pragma once
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace trainhost {

/// What does not fit is cut.
class SignalText {
 public:
  SignalText& add(const char* text) { return append(text, std::strlen(text)); }
  SignalText& add_number(uint64_t number) { return add_digits(number, 10); }
  SignalText& add_hex(uint64_t number) { return add("0x").add_digits(number, 16); }

  void write_to(int handle) const {
    size_t done = 0;
    while (done < size_) {
      const ssize_t written = ::write(handle, bytes_ + done, size_ - done);
      if (written <= 0) return;  // nobody is left to be told
      done += static_cast<size_t>(written);
    }
  }

  size_t size() const { return size_; }
  const char* data() const { return bytes_; }

 private:
  SignalText& append(const char* bytes, size_t size) {
    if (size > sizeof bytes_ - size_) size = sizeof bytes_ - size_;
    std::memcpy(bytes_ + size_, bytes, size);
    size_ += size;
    return *this;
  }

  SignalText& add_digits(uint64_t number, unsigned base) {
    char digits[20];
    size_t first = sizeof digits;
    do {
      digits[--first] = "0123456789abcdef"[number % base];
      number /= base;
    } while (number > 0);
    return append(digits + first, sizeof digits - first);
  }

  char bytes_[4096];
  size_t size_ = 0;
};

}  // namespace trainhost
