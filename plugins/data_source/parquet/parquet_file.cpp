// Arrow reports through Status and exceptions of its own; both become errors with the file's name here, and no exception passes through Arrow.
#include "parquet_file.h"

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <limits>
#include <string_view>

#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/table.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

namespace trainhost::parquet_source {
namespace {

constexpr std::string_view kMagic = "PAR1", kEncryptedMagic = "PARE";
constexpr uint64_t kLeastBytes = 12;                          // magic, length of the footer, magic
constexpr int64_t kMostRows = std::numeric_limits<int32_t>::max();  // of a row group

// LibTorch brings allocators of its own; Arrow's stay out of the process's way.
arrow::MemoryPool* pool() { return arrow::system_memory_pool(); }

parquet::ReaderProperties reader_properties() {
  parquet::ReaderProperties properties(pool());
  properties.set_page_checksum_verification(true);
  return properties;
}

parquet::ArrowReaderProperties arrow_properties() {
  parquet::ArrowReaderProperties properties(false);  // the host has threads enough
  properties.set_pre_buffer(false);
  properties.set_io_context(arrow::io::IOContext(pool()));
  return properties;
}

// An InputFile as Arrow wants files. A failed read is kept, to be thrown once Arrow has come back.
class ArrowInput final : public arrow::io::RandomAccessFile {
 public:
  explicit ArrowInput(const InputFile& file) : file_(file) {}

  arrow::Status Close() override { return is_closed_ = true, arrow::Status::OK(); }
  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override {
    if (position < 0) return arrow::Status::Invalid("a negative position");
    return position_ = position, arrow::Status::OK();
  }
  arrow::Result<int64_t> GetSize() override { return static_cast<int64_t>(file_.size()); }

  arrow::Result<int64_t> ReadAt(int64_t position, int64_t num_bytes, void* out) override {
    if (position < 0 || num_bytes < 0) return arrow::Status::Invalid("a negative position or size");
    const uint64_t begin = std::min(static_cast<uint64_t>(position), file_.size()), size = std::min(static_cast<uint64_t>(num_bytes), file_.size() - begin);
    try {
      file_.read(begin, {static_cast<std::byte*>(out), size});
    } catch (...) {
      failure_ = std::current_exception();
      return arrow::Status::IOError("the file cannot be read");
    }
    return static_cast<int64_t>(size);
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t num_bytes) override {
    // A footer may ask for more than there is: memory is taken for what can come.
    if (position < 0 || num_bytes < 0) return arrow::Status::Invalid("a negative position or size");
    const auto end = static_cast<int64_t>(file_.size());
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(std::min(num_bytes, std::max<int64_t>(0, end - position)), pool()));
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(position, buffer->size(), buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(got));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }
  arrow::Result<int64_t> Read(int64_t num_bytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(position_, num_bytes, out));
    return position_ += got, got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t num_bytes) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, num_bytes));
    return position_ += buffer->size(), buffer;
  }

  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const InputFile& file_;
  int64_t position_ = 0;
  bool is_closed_ = false;
  std::exception_ptr failure_;
};

// Arrow's words as an error with the place in front.
PluginError wrong(const InputFile& file, std::string_view place, const arrow::Status& status) {
  const std::string words = format("{}{}", place, status.message());
  if (status.IsOutOfMemory()) return {TRAINHOST_RESOURCE_EXHAUSTED, format("{}: {}; write smaller row groups, 16 to 128 MiB", file.path(), words)};
  if (status.IsNotImplemented()) return {TRAINHOST_FAILED_PRECONDITION, format("{}: {}; write the file without it", file.path(), words)};
  return damaged(file, words);
}

// Calls `work(input)` and turns what Arrow says, in either way, into a PluginError.
void with_arrow(const InputFile& file, std::string_view place, const std::function<arrow::Status(const std::shared_ptr<ArrowInput>&)>& work) {
  const auto input = std::make_shared<ArrowInput>(file);
  arrow::Status status;
  try {
    status = work(input);
  } catch (const parquet::ParquetStatusException& error) {
    status = error.status();
  } catch (const parquet::ParquetException& error) {
    status = arrow::Status::Invalid(error.what());
  }
  input->rethrow_failure();
  if (!status.ok()) throw wrong(file, place, status);
}

double value_bytes(const parquet::ColumnDescriptor& column) {
  switch (column.physical_type()) {
    case parquet::Type::BOOLEAN: return 0.125;
    case parquet::Type::INT64:
    case parquet::Type::DOUBLE: return 8;
    case parquet::Type::FIXED_LEN_BYTE_ARRAY: return column.type_length();
    default: return 4;
  }
}

}  // namespace

// Says what Arrow would say in fewer words, for the files that are met most.
void ParquetFile::check_ends() const {
  if (input_->size() < kLeastBytes) throw damaged(*input_, format("{} bytes, too few for a Parquet file", input_->size()));
  std::string head(kMagic.size(), '\0'), tail = head;
  input_->read(0, std::as_writable_bytes(std::span(head)));
  input_->read(input_->size() - tail.size(), std::as_writable_bytes(std::span(tail)));
  if (head == kEncryptedMagic || tail == kEncryptedMagic) throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("{}: an encrypted Parquet file; write it without encryption", input_->path()));
  if (head != kMagic) throw damaged(*input_, "no Parquet file: it does not begin with PAR1");
  if (tail != kMagic) throw damaged(*input_, "it begins as a Parquet file, but does not end with PAR1: it is cut, or its writer was not closed");
}

void ParquetFile::open() {
  check_ends();
  with_arrow(*input_, "footer: ", [this](const std::shared_ptr<ArrowInput>& input) {
    metadata_ = parquet::ParquetFileReader::Open(input, reader_properties())->metadata();
    return parquet::arrow::SchemaManifest::Make(metadata_->schema(), metadata_->key_value_metadata(), arrow_properties(), &manifest_);
  });
  for (int group = 0; group < metadata_->num_row_groups(); ++group) {
    const int64_t rows = metadata_->RowGroup(group)->num_rows();
    if (rows < 0 || rows > kMostRows) throw damaged(*input_, format("footer: row group {} says {} rows, wanted 0 to {}", group, rows, kMostRows));
    group_starts_.push_back(group_starts_.back() + static_cast<uint64_t>(rows));
  }
}

// The footer counts dictionaries and runs as they are written; decoded, each value takes its place.
uint64_t ParquetFile::bytes_of(int group, const std::vector<int>& leaves) const {
  double bytes = 0;  // a footer may say anything
  with_arrow(*input_, "footer: ", [&](const std::shared_ptr<ArrowInput>&) {
    const auto row_group = metadata_->RowGroup(group);
    for (const int leaf : leaves) {
      const auto column = row_group->ColumnChunk(leaf);
      const auto encoded = static_cast<double>(column->total_uncompressed_size()), values = static_cast<double>(column->num_values()) * value_bytes(*metadata_->schema()->Column(leaf));
      bytes += std::max({0.0, encoded, values});
    }
    return arrow::Status::OK();
  });
  return static_cast<uint64_t>(std::min(bytes, 1e18));
}

std::shared_ptr<arrow::Table> ParquetFile::read(int group, const std::vector<int>& leaves) const {
  std::shared_ptr<arrow::Table> table;
  with_arrow(*input_, format("row group {}: ", group), [&](const std::shared_ptr<ArrowInput>& input) {
    ARROW_ASSIGN_OR_RAISE(const auto reader, parquet::arrow::FileReader::Make(pool(), parquet::ParquetFileReader::Open(input, reader_properties(), metadata_), arrow_properties()));
    ARROW_ASSIGN_OR_RAISE(table, reader->ReadRowGroup(group, leaves));
    return table->Validate();
  });
  const uint64_t wanted = group_starts_[static_cast<size_t>(group) + 1] - group_starts_[static_cast<size_t>(group)];
  if (static_cast<uint64_t>(table->num_rows()) != wanted) throw damaged(*input_, format("row group {}: {} rows, the footer says {}", group, table->num_rows(), wanted));
  return table;
}

}  // namespace trainhost::parquet_source
