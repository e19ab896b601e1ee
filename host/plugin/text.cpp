// UTF-8 is checked by nlohmann json, which refuses to print anything else.
#include "plugin/text.h"

#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

namespace trainhost {

bool is_valid_utf8(std::string_view text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string clean_text(std::string_view text, size_t max_bytes) {
  const bool is_cut = text.size() > max_bytes;
  text = text.substr(0, max_bytes);
  while (is_cut && !text.empty() && (text.back() & 0x80) != 0 && !is_valid_utf8(text)) text.remove_suffix(1);  // no half character at the cut
  std::string clean(text);
  if (!is_valid_utf8(text)) {
    const std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    clean = nlohmann::json::parse(quoted).get<std::string>();
  }
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return is_cut ? clean + "..." : clean;
}

std::string error_words(const trainhost_error& error) {
  const size_t length = std::min<size_t>(error.message_length, sizeof error.message);
  return length == 0 ? "no words" : clean_text({error.message, length});
}

void write_words(trainhost_error* error, std::string_view words) noexcept {
  constexpr size_t header = offsetof(trainhost_error, message);
  if (!error || error->struct_size < header) return;
  const size_t room = std::min<size_t>(error->struct_size - header, sizeof error->message);
  const size_t length = std::min(words.size(), room);
  std::memcpy(error->message, words.data(), length);
  error->message_length = static_cast<uint32_t>(length);
}

}  // namespace trainhost
