// APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3: end record, central directory, local headers, and their 64-bit forms.
#include "zip.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "errors.h"

namespace pt2 {
namespace {

constexpr uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50, kCentral = 0x02014b50, kLocal = 0x04034b50;
constexpr uint32_t kSeeElsewhere32 = 0xffffffff;
constexpr uint16_t kSeeElsewhere16 = 0xffff, kExtra64 = 1;

// Little-endian numbers at places that are checked.
class Reader {
 public:
  Reader(std::string_view file, std::span<const std::byte> bytes) : file_(file), bytes_(bytes) {}

  template <class T>
  T at(uint64_t offset) const {
    T value;
    std::memcpy(&value, part(offset, sizeof value).data(), sizeof value);
    return value;
  }

  std::span<const std::byte> part(uint64_t offset, uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset)
      throw damaged(file_, trainhost::format("bytes {} to {} are wanted, it has {}", offset, offset + size, bytes_.size()));
    return bytes_.subspan(offset, size);
  }

  std::string text(uint64_t offset, uint64_t size) const {
    const auto found = part(offset, size);
    return {reinterpret_cast<const char*>(found.data()), found.size()};
  }

  uint64_t size() const { return bytes_.size(); }
  std::string_view file() const { return file_; }

 private:
  std::string_view file_;
  std::span<const std::byte> bytes_;
};

struct Directory {
  uint64_t offset = 0, num_entries = 0;
};

// The record stands at the end, behind it at most a comment of 65,535 bytes.
Directory find_directory(const Reader& in) {
  constexpr uint64_t kSize = 22, kLongestComment = 65535;
  if (in.size() < kSize) throw damaged(in.file(), trainhost::format("is no bundle: it has {} bytes, a ZIP file at least {}", in.size(), kSize));
  const uint64_t last = in.size() - kSize, first = last - std::min(last, kLongestComment);
  for (uint64_t at = last + 1; at-- > first;) {
    if (in.at<uint32_t>(at) != kEnd) continue;
    Directory found{in.at<uint32_t>(at + 16), in.at<uint16_t>(at + 10)};
    if (found.offset != kSeeElsewhere32 && found.num_entries != kSeeElsewhere16) return found;
    if (at < 20 || in.at<uint32_t>(at - 20) != kEnd64Locator) throw damaged(in.file(), "speaks of a 64-bit end record that is not there");
    const auto end64 = in.at<uint64_t>(at - 20 + 8);
    if (in.at<uint32_t>(end64) != kEnd64) throw damaged(in.file(), "its 64-bit end record is not where it is said to be");
    return {in.at<uint64_t>(end64 + 48), in.at<uint64_t>(end64 + 32)};
  }
  throw damaged(in.file(), "is no bundle, or was cut: a ZIP file ends with a record of its contents, this one does not");
}

struct Entry {
  std::string name;
  uint64_t packed = 0, size = 0, header = 0;
};

// Numbers that do not fit into 32 bits stand in an extra field, in this order, only those that do not fit.
void read_extra(const Reader& in, uint64_t at, uint64_t end, Entry& entry) {
  for (; at + 4 <= end; at += 4 + in.at<uint16_t>(at + 2)) {
    if (in.at<uint16_t>(at) != kExtra64) continue;
    uint64_t place = at + 4;
    for (uint64_t* number : {&entry.size, &entry.packed, &entry.header}) {
      if (*number != kSeeElsewhere32) continue;
      *number = in.at<uint64_t>(place);
      place += 8;
    }
    return;
  }
}

std::span<const std::byte> contents(const Reader& in, const Entry& entry) {
  if (in.at<uint32_t>(entry.header) != kLocal) throw damaged(in.file(), trainhost::format("entry \"{}\" is not where the directory says", entry.name));
  const uint64_t start = entry.header + 30 + in.at<uint16_t>(entry.header + 26) + in.at<uint16_t>(entry.header + 28);
  return in.part(start, entry.size);
}

}  // namespace

ZipEntries::ZipEntries(std::string_view file, std::span<const std::byte> bytes) : file_(file) {
  const Reader in(file_, bytes);
  const Directory directory = find_directory(in);
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.num_entries; ++i) {
    if (in.at<uint32_t>(at) != kCentral) throw damaged(file_, trainhost::format("its directory ends after {} of {} entries", i, directory.num_entries));
    const uint64_t name = in.at<uint16_t>(at + 28), extra = in.at<uint16_t>(at + 30), comment = in.at<uint16_t>(at + 32);
    Entry entry{in.text(at + 46, name), in.at<uint32_t>(at + 20), in.at<uint32_t>(at + 24), in.at<uint32_t>(at + 42)};
    read_extra(in, at + 46 + name, at + 46 + name + extra, entry);
    const auto method = in.at<uint16_t>(at + 10);
    if (method != 0 || entry.packed != entry.size)
      throw refuse(trainhost::format("{}: entry \"{}\" is compressed (method {}); bundles hold their entries as they are: write it with the exporter", file_, entry.name, method));
    if (!entries_.emplace(entry.name, contents(in, entry)).second) throw damaged(file_, trainhost::format("entry \"{}\" stands in it twice", entry.name));
    at += 46 + name + extra + comment;
  }
}

std::span<const std::byte> ZipEntries::at(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) throw damaged(file_, trainhost::format("has no entry \"{}\"", name));
  return found->second;
}

std::string_view ZipEntries::text(const std::string& name) const {
  const auto found = at(name);
  return {reinterpret_cast<const char*>(found.data()), found.size()};
}

}  // namespace pt2
