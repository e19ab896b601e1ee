// Words between spaces, a sample a line.
#include "dali_index.h"

#include <array>
#include <charconv>

#include <trainhost/cpp/error.hpp>

#include "tar_header.h"

namespace trainhost::tarshards {
namespace {

class Lines {
 public:
  Lines(std::string_view text, std::string_view place) : text_(text), place_(place) {}

  // The words of the next line; nothing behind the last.
  std::vector<std::string_view> next() {
    std::string_view line = text_.substr(0, text_.find('\n'));
    text_.remove_prefix(std::min(text_.size(), line.size() + 1));
    ++number_;
    std::vector<std::string_view> words;
    while (!line.empty()) {
      const std::string_view word = line.substr(0, line.find_first_of(" \r\t"));
      line.remove_prefix(std::min(line.size(), word.size() + 1));
      if (!word.empty()) words.push_back(word);
    }
    return words;
  }
  bool is_at_end() const { return text_.find_first_not_of(" \r\n\t") == std::string_view::npos; }

  uint64_t natural(std::string_view word) const {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) fail(format("got \"{}\", wanted a whole number", word.substr(0, 40)));
    return value;
  }
  [[noreturn]] void fail(std::string_view words) const {
    throw PluginError(TRAINHOST_DATA_LOSS, format("{}:{}: {}; make the index anew, or leave it out of tarshards.dali_index", place_, number_, words));
  }

 private:
  std::string_view text_, place_;
  uint64_t number_ = 0;
};

// The name in the header of the member whose content stands at `offset`.
std::string checked_name(const RangedFile& file, uint64_t offset, uint64_t size, const Lines& lines) {
  if (offset < kBlock || offset % kBlock != 0 || offset > file.size() || size > file.size() - offset)
    lines.fail(format("a member of {} bytes at {} is not inside of {}, which has {} bytes", size, offset, file.name(), file.size()));
  std::array<std::byte, kBlock> block;
  file.read(offset - kBlock, block);
  try {
    const TarHeader header = parse_header(block, offset - kBlock);
    if (header.size != size) lines.fail(format("a member of {} bytes at {}, but {} has one of {} there", size, offset, file.name(), header.size));
    return header.name;
  } catch (const TarDamage& damage) {
    lines.fail(format("a member at {} of {}: {}", offset, file.name(), damage.what()));
  }
}

}  // namespace

ShardIndex import_dali_index(std::string_view text, std::string_view place, const RangedFile& file) {
  Lines lines(text, place);
  const auto first = lines.next();
  const bool has_names = !first.empty() && first[0] == "v1.2";
  if (first.size() != 2 || (!has_names && first[0] != "v1.1")) lines.fail("the first line must be \"v1.1\" or \"v1.2\" and the number of samples");
  const uint64_t num_samples = lines.natural(first[1]);

  ShardIndex index;
  SampleGrouping grouping(index);
  const size_t words_each = has_names ? 4 : 3;
  for (uint64_t sample = 0; sample < num_samples; ++sample) {
    if (lines.is_at_end()) lines.fail(format("{} samples are announced, {} are there", num_samples, sample));
    const auto words = lines.next();
    if (words.empty() || words.size() % words_each != 0) lines.fail(format("{} words, wanted {} for each member", words.size(), words_each));
    for (size_t i = 0; i < words.size(); i += words_each) {
      const uint64_t offset = lines.natural(words[i + 1]), size = lines.natural(words[i + 2]);
      const std::string in_header = checked_name(file, offset, size, lines);
      grouping.add(has_names ? std::string(words[i + 3]) : in_header, offset, size);
    }
  }
  if (!lines.is_at_end()) lines.fail(format("more lines than the {} samples that are announced", num_samples));
  grouping.finish();
  return index;
}

}  // namespace trainhost::tarshards
