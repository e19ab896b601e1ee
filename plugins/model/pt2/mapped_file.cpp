#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "errors.h"

namespace pt2 {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const auto fail = [&](const char* what) { return refuse(trainhost::format("{}: cannot be {}: {}", path, what, std::strerror(errno))); };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw fail("opened");
  struct stat facts {};
  const bool is_known = fstat(file, &facts) == 0;
  const bool is_regular = is_known && S_ISREG(facts.st_mode);
  const auto size = static_cast<size_t>(is_regular ? facts.st_size : 0);
  void* memory = size > 0 ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
  const int error = errno;
  close(file);
  if (!is_regular) throw refuse(trainhost::format("{}: is no regular file", path));
  errno = error;
  if (memory == MAP_FAILED) throw fail("mapped into memory");
  bytes_ = {static_cast<const std::byte*>(memory), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace pt2
