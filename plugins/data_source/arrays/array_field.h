// One field of every sample, out of one or several files that are read as one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/field.hpp>

#include "files/file_list.h"
#include "remote/data_files.h"
#include "stored_array.h"

namespace trainhost {

class Fingerprint;

/// A line of the key `fields`: "NAME FILES[#TENSOR]" and options.
struct FieldLine {
  std::string text, files, tensor;  // tensor: of a .safetensors file; the field's name where the line names none
  Field field;                      // shape and dtype come from the files
  bool has_options_for_integers = false;
};
/// Throws PluginError INVALID_ARGUMENT.
FieldLine parse_line(std::string_view text);

class ArrayField {
 public:
  /// Opens the files, which `data` has listed, and reads their headers. Throws PluginError for files that do not suit, or do not suit each other.
  ArrayField(FieldLine line, remote::DataFiles& data, const std::vector<ListedFile>& listed, InputFile::Keep keep);

  const Field& field() const { return line_.field; }
  uint64_t num_rows() const { return starts_.back(); }
  uint64_t num_files() const { return files_.size(); }
  /// First row of each file, and the number of rows at the end.
  const std::vector<uint64_t>& starts() const { return starts_; }
  const std::vector<std::string>& file_names() const { return names_; }
  void add_to(Fingerprint& fingerprint) const;

  /// Fills `out`, the bytes of one sample. Throws PluginError DATA_LOSS for a file that has changed, and for truth values other than 0 and 1. [any]
  void read(uint64_t row, std::span<std::byte> out) const;

 private:
  void take_shape(const InputFile& file, const StoredArray& array);

  FieldLine line_;
  std::vector<std::unique_ptr<InputFile>> files_;
  std::vector<std::string> names_;
  std::vector<StoredArray> arrays_;
  std::vector<uint64_t> starts_{0};
};

}  // namespace trainhost
