// Goes from member to member of a tar archive without reading their contents.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "files/ranged_file.h"
#include "tar_header.h"

namespace trainhost::tarshards {

struct TarMember {
  std::string name;
  uint64_t offset = 0, size = 0;  // of the content
  bool is_file = false;           // else a folder, a link, a device
};

/// ustar, V7, GNU with long names and base-256 sizes, pax with path and size. Refused: sparse files, archives of several volumes. Reads ahead in pieces that
/// grow while members are small. `file` outlives it.
class TarWalk {
 public:
  explicit TarWalk(const RangedFile& file) : file_(file) {}

  /// The next member, nothing behind the last. Throws TarDamage for what is no archive, and for a member that reaches beyond the end of the file; after that
  /// there is nothing to go on with.
  std::optional<TarMember> next();

  /// After the last: whether the archive had the block of zeroes at its end. Without it the file may have been cut between two members.
  bool has_end_mark() const { return has_end_mark_; }

 private:
  struct Extended {
    std::optional<std::string> path;
    std::optional<uint64_t> size;
  };

  std::span<const std::byte> bytes_at(uint64_t offset, uint64_t size);
  std::string text_at(const TarHeader& header, uint64_t offset);
  uint64_t end_of(const TarHeader& header, uint64_t content) const;
  void read_records(std::string_view text, uint64_t offset, Extended& out) const;

  const RangedFile& file_;
  uint64_t at_ = 0;  // the next header
  bool has_end_mark_ = false;
  Extended global_;
  std::vector<std::byte> buffer_;
  uint64_t buffer_begin_ = 0, piece_ = 0;
};

}  // namespace trainhost::tarshards
