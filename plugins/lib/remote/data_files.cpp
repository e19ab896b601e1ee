#include "remote/data_files.h"

#include <trainhost/cpp/error.hpp>

#include "files/byte_size.h"
#include "remote/block_store.h"
#include "remote/buckets.h"
#include "remote/object_list.h"
#include "s3/digest.h"
#include "s3/text.h"

namespace trainhost::remote {
namespace {

constexpr uint64_t kBlocksAhead = 4;

class ObjectFile final : public RangedFile {
 public:
  ObjectFile(BlockStore& blocks, const NamedObject& named, uint64_t num_ahead) : blocks_(blocks), named_(named), num_ahead_(num_ahead) {}

  const std::string& name() const override { return named_.object.uri; }
  uint64_t size() const override { return named_.object.facts.size; }
  std::string version() const override { return named_.object.facts.etag; }
  void read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > size() || out.size() > size() - offset)
      throw PluginError(TRAINHOST_DATA_LOSS, format("{}: bytes {} to {} are not there: the object has {}", name(), offset, offset + out.size(), size()));
    blocks_.read(named_, offset, out, num_ahead_);
  }

 private:
  BlockStore& blocks_;
  const NamedObject& named_;
  uint64_t num_ahead_;
};

std::filesystem::path cache_folder(const RemoteOptions& options, const Host& host) {
  if (!options.cache_dir.empty()) return options.cache_dir;
  return host.cache_folder().empty() ? std::filesystem::path() : std::filesystem::path(host.cache_folder()) / "objects";
}

}  // namespace

// What is there from the first s3:// URI on.
struct DataFiles::Store {
  Store(const RemoteOptions& options, const std::string& plugin, uint64_t limit_bytes, const Host& host)
      : buckets(options, plugin, host),
        cache(cache_folder(options, host), cache_folder(options, host).empty() ? 0 : limit_bytes,
              [&host, plugin](const std::string& words) {
                host.log_warning("objects are not kept any more, each read goes to the store: {}; make room, or set {}.cache_dir", words, plugin);
              }),
        blocks(cache,
               [this](const Object& object, uint64_t offset, std::span<std::byte> out, const std::function<bool()>& is_unwanted) {
                 buckets.reader(object.bucket).get_same(object.key, object.facts, offset, out, is_unwanted);
               },
               host) {
    cache.open();
    blocks.start();
  }

  std::string digest_of(const Object& object) {
    return s3::hex(s3::sha256(format("{}\n{}\n{}\n{}\n{} {}", buckets.origin(object.bucket), object.bucket, object.key, object.facts.etag, object.facts.size, BlockStore::kBlock)));
  }

  Buckets buckets;
  ObjectCache cache;
  std::map<std::string, NamedObject> objects;  // by URI; the threads of `blocks` use them
  BlockStore blocks;
};

DataFiles::DataFiles(RemoteOptions options, std::string plugin)
    : options_(std::move(options)), plugin_(std::move(plugin)), cache_limit_bytes_(parse_byte_size(options_.cache_limit, plugin_ + ".cache_limit")) {}
DataFiles::~DataFiles() = default;

void DataFiles::start(const Host& host) { host_ = &host; }
void DataFiles::stop() { store_.reset(); }

DataFiles::Store& DataFiles::store() {
  if (!store_) store_ = std::make_unique<Store>(options_, plugin_, cache_limit_bytes_, *host_);
  return *store_;
}

std::vector<ListedFile> DataFiles::list(std::span<const std::string> patterns, std::string_view key) {
  std::vector<std::string> of_machine, paths;
  for (const std::string& pattern : patterns) {
    if (!is_object(pattern)) {
      of_machine.push_back(pattern);
      continue;
    }
    for (Object& object : list_objects(store().buckets, pattern, key)) {
      paths.push_back(object.uri);
      NamedObject named{std::move(object), {}};
      named.digest = store().digest_of(named.object);
      store().objects.insert_or_assign(paths.back(), std::move(named));
    }
  }
  if (paths.empty()) return list_files(of_machine, key);
  for (std::string& path : find_paths(of_machine, key)) paths.push_back(std::move(path));
  return named_files(std::move(paths));
}

std::unique_ptr<InputFile> DataFiles::input(const std::filesystem::path& path, InputFile::Keep keep, Ahead ahead) {
  if (is_object(path)) return std::make_unique<InputFile>(open_object(path, ahead));
  return std::make_unique<InputFile>(path, keep);
}

std::unique_ptr<RangedFile> DataFiles::open_object(const std::filesystem::path& uri, Ahead ahead) {
  return std::make_unique<ObjectFile>(store_->blocks, store_->objects.at(uri.native()), ahead == Ahead::kNext ? kBlocksAhead : 0);
}

}  // namespace trainhost::remote
