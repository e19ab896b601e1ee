#include "array_field.h"

#include <algorithm>
#include <utility>

#include "fields/field_text.h"
#include "files/fingerprint.h"

namespace trainhost {
namespace {

constexpr std::string_view kForm = "NAME FILES.npy or NAME FILES.safetensors[#TENSOR], with role=, classes= and pad= behind it";

std::string text_of(const std::vector<uint64_t>& shape) {
  std::string text;
  for (const uint64_t size : shape) text += format("{}{}", text.empty() ? "" : ", ", size);
  return "[" + text + "]";
}

}  // namespace

FieldLine parse_line(std::string_view text) {
  FieldText words("arrays.fields", text, kForm);
  FieldLine line{std::string(text), {}, {}, {words.name(), TRAINHOST_FIELD_INPUT, kInt64}};  // which format it is, the file says; here it lets options of integers pass
  const std::string_view place = words.word();
  const size_t hash = place.rfind(".safetensors#");
  line.files = place.substr(0, hash == std::string_view::npos ? place.size() : place.find('#', hash));
  line.tensor = hash == std::string_view::npos ? line.field.name : std::string(place.substr(place.find('#', hash) + 1));
  if (!line.files.ends_with(".npy") && !line.files.ends_with(".safetensors")) throw words.wrong(format("\"{}\" names neither .npy nor .safetensors files", line.files));
  if (line.tensor.empty()) throw words.wrong("no tensor is named behind the #");
  line.field.pad_value = kNoPad;
  words.options(line.field);
  line.has_options_for_integers = line.field.num_classes > 0;
  return line;
}

ArrayField::ArrayField(FieldLine line, remote::DataFiles& data, const std::vector<ListedFile>& listed, InputFile::Keep keep) : line_(std::move(line)) {
  for (const ListedFile& one : listed) {
    const InputFile& file = *files_.emplace_back(data.input(one.path, keep));
    names_.push_back(one.name);
    arrays_.push_back(line_.files.ends_with(".npy") ? read_npy(file) : read_safetensors(file, line_.tensor));
    take_shape(file, arrays_.back());
    starts_.push_back(starts_.back() + arrays_.back().num_rows());
  }
}

void ArrayField::take_shape(const InputFile& file, const StoredArray& array) {
  const StoredArray& first = arrays_.front();
  if (array.shape.empty()) throw unsuitable(file, "holds a single number; wanted an array whose first axis is the sample");
  if (array.shape.size() > 9) throw unsuitable(file, format("has {} axes, at most 9 are taken: the sample and 8 of its own", array.shape.size()));
  const std::vector<uint64_t> row(array.shape.begin() + 1, array.shape.end()), wanted(first.shape.begin() + 1, first.shape.end());
  if (std::find(row.begin(), row.end(), uint64_t{0}) != row.end()) throw unsuitable(file, format("has samples of shape {}, which hold nothing", text_of(row)));
  if (row != wanted || !same(array.dtype, first.dtype))
    throw unsuitable(file, format("has samples of shape {} in {}, but {} has {} in {}; all files of a field must be alike", text_of(row), name_of(array.dtype), files_.front()->path(),
                                  text_of(wanted), name_of(first.dtype)));
  if (line_.has_options_for_integers && !is_integer(array.dtype)) throw unsuitable(file, format("holds {}, but the line of field \"{}\" speaks of classes; remove classes=", name_of(array.dtype), line_.field.name));
  line_.field.dtype = array.dtype;
  settle_pad(line_.field);
  line_.field.shape.assign(row.begin(), row.end());
}

void ArrayField::add_to(Fingerprint& fingerprint) const {
  const Field& field = line_.field;
  fingerprint.add(format("field {} role {} classes {} pad {} tensor {}", field.name, field.role, field.num_classes, field.pad_value, line_.tensor));
  for (size_t i = 0; i < files_.size(); ++i) {
    fingerprint.add(names_[i], *files_[i]);
    fingerprint.add(format("{} {} at {}", name_of(arrays_[i].dtype), text_of(arrays_[i].shape), arrays_[i].offset));
  }
}

void ArrayField::read(uint64_t row, std::span<std::byte> out) const {
  const auto file = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), row) - starts_.begin()) - 1;
  files_[file]->read(arrays_[file].offset + (row - starts_[file]) * out.size(), out);
  if (line_.field.dtype.code != TRAINHOST_DTYPE_BOOL) return;
  const auto stray = std::find_if(out.begin(), out.end(), [](std::byte value) { return value > std::byte{1}; });
  if (stray != out.end()) throw damaged(*files_[file], format("row {} holds {} where true and false are 1 and 0", row - starts_[file], static_cast<unsigned>(*stray)));
}

}  // namespace trainhost
