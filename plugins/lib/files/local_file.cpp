// Reads through files/input_file.h, which notices a file that is changed.
#include "files/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trainhost/format.hpp>

#include "files/input_file.h"

namespace trainhost {
namespace {

constexpr uint64_t kTouchedEnd = 4096;  // of a file that was touched; what an index of it says tells more about its content

class LocalFile final : public RangedFile {
 public:
  LocalFile(const std::filesystem::path& path, bool is_kept_open)
      : file_(path, is_kept_open ? InputFile::Keep::kOpen : InputFile::Keep::kClosed, kTouchedEnd), name_(path.string()) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) version_ = format("{}.{:09}", int64_t{status.st_mtim.tv_sec}, int64_t{status.st_mtim.tv_nsec});
  }

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return file_.size(); }
  std::string version() const override { return version_; }
  void read(uint64_t offset, std::span<std::byte> out) const override { file_.read(offset, out); }
  void expect(uint64_t offset, uint64_t size) const override {
    const int descriptor = ::open(name_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::posix_fadvise(descriptor, static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_WILLNEED);
    ::close(descriptor);
  }

 private:
  InputFile file_;
  std::string name_, version_;
};

}  // namespace

std::unique_ptr<RangedFile> open_local_file(const std::filesystem::path& path, bool is_kept_open) { return std::make_unique<LocalFile>(path, is_kept_open); }

}  // namespace trainhost
