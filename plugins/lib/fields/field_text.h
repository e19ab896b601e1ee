// Lines of a config that describe a field: words, sizes in brackets, and options behind them.
#pragma once
#include <charconv>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/error.hpp>
#include <trainhost/cpp/field.hpp>

namespace trainhost {

/// Takes a line such as "label int64 [] role=target classes=10 pad=-1" apart, from the left. All failures are PluginError INVALID_ARGUMENT with the key, the
/// whole line and what is wanted.
class FieldText {
 public:
  /// All three live as long as this. `key`: "synthetic.fields"; `wanted`: the form of a line, for messages.
  FieldText(std::string_view key, std::string_view line, std::string_view wanted) : key_(key), line_(line), wanted_(wanted), rest_(line) {}

  /// The next word, empty at the end. A word in single quotes may hold spaces.
  std::string_view word();
  /// The next word as the name of a field.
  std::string name();
  /// The next word if it is KEY=VALUE, cut there; else nothing, and the word stays.
  struct Option {
    std::string_view key, value;
  };
  std::optional<Option> option();
  bool is_at_end();
  bool is_at_sizes();
  bool is_at_option();
  /// "[3, 32]" or "[]": each at least 1, their product at most 2^32.
  std::vector<int64_t> sizes();

  /// Takes the rest of the line, options only, and sets what role=, classes= and pad= say; `other` takes the rest of them and answers false for one that it
  /// does not know.
  void options(Field& field, const std::function<bool(const Option&)>& other = {});

  template <class T>
  T number(std::string_view text) const {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) throw wrong(format("\"{}\" is no number", text));
    return value;
  }
  PluginError wrong(std::string_view words) const;

 private:
  bool apply(const Option& option, Field& field) const;

  std::string_view key_, line_, wanted_, rest_;
};

/// By name: bool, uint8, int8, uint16, int16, ... int64, float16, bfloat16, float32, float64.
std::optional<trainhost_dtype> find_dtype(std::string_view name);
std::string_view name_of(trainhost_dtype dtype);  // "" for one without a name

bool is_integer(trainhost_dtype dtype);

/// Elements of a sample; the shape must not vary.
uint64_t num_elements(const Field& field);

/// A pad_value that no line has set yet, and what replaces it where none does: -1 in targets of whole numbers, so that every class counts; else 0.
inline constexpr double kNoPad = std::numeric_limits<double>::quiet_NaN();
void settle_pad(Field& field);

/// Throws PluginError INVALID_ARGUMENT when two fields have one name, or when there is no field.
void check_names(std::string_view key, const std::vector<Field>& fields);

}  // namespace trainhost
