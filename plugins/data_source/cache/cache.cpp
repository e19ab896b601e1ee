// data_source/cache: around any source; samples that were read once are kept on disk, for later epochs and for other runs.
#include <trainhost/draft/kept_data.h>
#include <trainhost/draft/outside_trajectory.hpp>
#include <trainhost/draft/sample_identity.h>
#include <trainhost/plugin.hpp>

#include <filesystem>
#include <memory>

#include "files/byte_size.h"
#include "kept_source.h"
#include "maintenance.h"

namespace {

using namespace trainhost;
namespace cache = trainhost::sample_cache;

struct Config {
  std::string dir, limit = "50GB";
};

constexpr auto kSchema = schema<Config>()
                             .key("dir", &Config::dir, "folder of the kept samples, shared by runs; empty = `samples` in the cache folder ($XDG_CACHE_HOME/trainhost)", no_trajectory)
                             .key("limit", &Config::limit, "most that the folder holds, of all data sets: what was not used for longest makes room", no_trajectory);
constexpr OutsideTrajectory kOutside{kSchema};  // the same batches with it and without

// The kind's tables are the upstream's wherever a call passes through, so the class is no DataSource of the glue.
class Cache final : public Plugin {
 public:
  static constexpr std::string_view kKind = "data_source";

  explicit Cache(Config config) : config_(std::move(config)), limit_bytes_(parse_byte_size(config_.limit, "cache.limit")) {}

  void start() override {
    upstream_ = host().upstream<trainhost_data_source>(0, TRAINHOST_DATA_SOURCE);
    if (config_.dir.empty() && host().cache_folder().empty())
      throw PluginError(TRAINHOST_FAILED_PRECONDITION, "this run has no cache folder; set cache.dir to a folder for kept samples");
    kept_ = std::make_unique<cache::KeptSource>(host(), upstream_, cache::KeptSource::Place{root(config_.dir, host().cache_folder()), limit_bytes_});
  }
  void stop() override { kept_.reset(); }

  const void* interface(std::string_view id) override {
    if (id == TRAINHOST_DATA_SOURCE) return &kSource;
    if (id == TRAINHOST_KEPT_DATA) return &kKeptData;
    if (id == TRAINHOST_DATA_LENGTHS) return of_upstream<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS) ? &kLengths : nullptr;
    if (id == TRAINHOST_TEXT) return of_upstream<trainhost_text>(TRAINHOST_TEXT) ? &kText : nullptr;
    if (id == TRAINHOST_SAMPLE_IDENTITY) return of_upstream<trainhost_sample_identity>(TRAINHOST_SAMPLE_IDENTITY) ? &kIdentity : nullptr;
    return nullptr;
  }

 private:
  static std::filesystem::path root(std::string_view dir, std::string_view cache_folder) { return dir.empty() ? std::filesystem::path(cache_folder) / "samples" : std::filesystem::path(dir); }

  static Cache& of(trainhost_instance* instance) { return detail::object<Cache>(instance); }

  // From start on known; before, a host that only asks for interfaces may have none.
  trainhost_instance* upstream() const {
    if (upstream_.instance || host().num_upstreams() == 0) return upstream_.instance;
    return host().service<trainhost_upstream>(TRAINHOST_UPSTREAM)->at(host().c_host(), 0);
  }
  template <class Table>
  const Table* of_upstream(const char* id) const {
    trainhost_instance* wrapped = upstream();
    return wrapped ? static_cast<const Table*>(wrapped->get_interface(wrapped, id)) : nullptr;
  }

  // Passes a call on, with its error.
  template <class Table, class Function, class... Arguments>
  static trainhost_status pass(const char* id, trainhost_instance* instance, Function Table::*function, Arguments... arguments) {
    const Cache& self = of(instance);
    return (self.of_upstream<Table>(id)->*function)(self.upstream(), arguments...);
  }
  static trainhost_status info(trainhost_instance* instance, trainhost_source_info* out, trainhost_error* error) {
    return pass(TRAINHOST_DATA_SOURCE, instance, &trainhost_data_source::info, out, error);
  }
  static trainhost_status read(trainhost_instance* instance, const trainhost_read* wanted, const trainhost_batch_writer* batch, trainhost_error* error) {
    return detail::guard(error, [&] { of(instance).kept_->read(*wanted, *batch); });
  }
  static trainhost_status lengths(trainhost_instance* instance, const uint64_t* ids, uint64_t num_ids, uint64_t* out, trainhost_error* error) {
    return pass(TRAINHOST_DATA_LENGTHS, instance, &trainhost_data_lengths::lengths, ids, num_ids, out, error);
  }
  static trainhost_status encode(trainhost_instance* instance, trainhost_string text, int64_t* out, uint64_t capacity, uint64_t* written, trainhost_error* error) {
    return pass(TRAINHOST_TEXT, instance, &trainhost_text::encode, text, out, capacity, written, error);
  }
  static trainhost_status decode(trainhost_instance* instance, const int64_t* tokens, uint64_t num_tokens, char* out, uint64_t capacity, uint64_t* written, trainhost_error* error) {
    return pass(TRAINHOST_TEXT, instance, &trainhost_text::decode, tokens, num_tokens, out, capacity, written, error);
  }
  static trainhost_status facts(trainhost_instance* instance, trainhost_sample_facts* out, trainhost_error* error) {
    return pass(TRAINHOST_SAMPLE_IDENTITY, instance, &trainhost_sample_identity::facts, out, error);
  }

  template <class Answer>
  static trainhost_status answer_with(const trainhost_kept_request* request, const trainhost_writer* answer, trainhost_error* error, const Answer& make) {
    return detail::guard(error, [&] {
      const auto folder = root(view(request->folder), view(request->cache_folder));
      std::error_code ignored;
      if (request->folder.length > 0 && !std::filesystem::is_directory(folder, ignored)) throw PluginError(TRAINHOST_NOT_FOUND, format("{}: there is no such folder", folder));
      const std::string text = make(folder);
      call(answer->write, answer->impl, static_cast<const void*>(text.data()), uint64_t{text.size()});
    });
  }
  static trainhost_status list(trainhost_instance* instance, const trainhost_kept_request* request, const trainhost_writer* answer, trainhost_error* error) {
    (void)instance;
    return answer_with(request, answer, error, cache::list_kept);
  }
  static trainhost_status collect(trainhost_instance* instance, const trainhost_kept_request* request, const trainhost_writer* answer, trainhost_error* error) {
    return answer_with(request, answer, error, [&](const std::filesystem::path& folder) {
      return cache::collect_kept(folder, request->limit.length > 0 ? parse_byte_size(view(request->limit), "limit") : of(instance).limit_bytes_);
    });
  }
  static trainhost_status verify(trainhost_instance* instance, const trainhost_kept_request* request, const trainhost_writer* answer, trainhost_error* error) {
    (void)instance;
    return answer_with(request, answer, error, cache::verify_kept);
  }

  static constexpr trainhost_data_source kSource{sizeof(trainhost_data_source), 0, &info, &read};
  static constexpr trainhost_data_lengths kLengths{sizeof(trainhost_data_lengths), 0, &lengths};
  static constexpr trainhost_text kText{sizeof(trainhost_text), 0, &encode, &decode};
  static constexpr trainhost_sample_identity kIdentity{sizeof(trainhost_sample_identity), 0, &facts};
  static constexpr trainhost_kept_data kKeptData{sizeof(trainhost_kept_data), 0, &list, &collect, &verify};

  Config config_;
  uint64_t limit_bytes_;
  Upstream<trainhost_data_source> upstream_{};
  std::unique_ptr<cache::KeptSource> kept_;
};

}  // namespace

TRAINHOST_PLUGIN(Cache, {.kind = "data_source",
                         .name = "cache",
                         .version = "1.0.0",
                         .summary = "keeps the samples of the source that it wraps, for later epochs and other runs",
                         .decorates = 1,
                         .schema = kOutside})
