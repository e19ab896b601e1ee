// Notes every evaluation as a line of a text file in the run folder.
//
// An observer sees every event of a run and changes nothing. Events come in order, on a thread of its own, out of a queue of bounded length: a slow observer
// loses events, which are counted, and never slows the run. `trainhost help events` lists the events; ignore those that you do not know.
#include <filesystem>
#include <fstream>

#include <trainhost/plugin.hpp>

namespace {

using trainhost::PluginError;

struct Config {
  std::string file = "evaluations.txt";
};

class MyPlugin final : public trainhost::Observer {
 public:
  explicit MyPlugin(Config config) : config_(std::move(config)) {}

  // Files, threads and sockets are opened here and not in the constructor: `trainhost config check` makes plugins without a run. A resumed run appends.
  void start() override {
    path_ = std::filesystem::path(host().run_folder()) / config_.file;
    out_.open(path_, std::ios::app);
    if (!out_) throw PluginError(TRAINHOST_FAILED_PRECONDITION, trainhost::format("{}: cannot be opened for appending; set another file", path_));
  }

  // What is thrown is logged; three failures in a row mute the observer for the rest of the run.
  void on_event(const trainhost::Event& event) override {
    if (event.name != "evaluation") return;
    for (const trainhost::Metric& metric : event.metrics)
      out_ << trainhost::format("step {}: {} of {} is {:.6g}\n", metric.step, metric.name, metric.set, metric.value);
    if (out_.flush()) return;
    out_.clear();
    throw PluginError(TRAINHOST_RESOURCE_EXHAUSTED, trainhost::format("{}: cannot be written; is the disk full?", path_));
  }

  void stop() override { out_.close(); }

 private:
  Config config_;
  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace

TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "observer",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "notes every evaluation as a line of a text file",
  .schema = trainhost::schema<Config>().key("file", &Config::file, "where to write; relative to the run folder", trainhost::no_trajectory),
})
