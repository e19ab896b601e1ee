// How fast images become samples; run by bench/images, which makes the files.
//
//   image_rates decode FILE...                                    JPEG files on one core: libjpeg-turbo alone, and our loader in several ways
//   image_rates source PLUGIN_FILE CONFIG_JSON THREADS NAME       all samples of a source once, in a random order
//   image_rates cached PLUGIN_FILE CONFIG_JSON CACHE_FILE FOLDER THREADS NAME   the same twice, with the samples kept in FOLDER
//   image_rates files THREADS LIST NAME                           the files that LIST names, opened, read and closed in a random order
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csetjmp>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <random>
#include <thread>

#include <jpeglib.h>
#include <nlohmann/json.hpp>

#include <trainhost/testing.hpp>

#include "images/images.h"
#include "images/jpeg.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

constexpr int kRounds = 9;
constexpr std::size_t kBatch = 32;

using Bytes = std::vector<std::uint8_t>;

Bytes content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What a program without us does: one decoder, one row at a time into the memory of the image.
void decode_bare(const Bytes& file, Bytes& pixels) {
  jpeg_decompress_struct decoder{};
  jpeg_error_mgr errors;
  decoder.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&decoder);
  jpeg_mem_src(&decoder, file.data(), file.size());
  jpeg_read_header(&decoder, TRUE);
  decoder.out_color_space = JCS_RGB;
  jpeg_start_decompress(&decoder);
  const std::size_t row_bytes = std::size_t{decoder.output_width} * 3;
  pixels.resize(row_bytes * decoder.output_height);
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW row = pixels.data() + decoder.output_scanline * row_bytes;
    jpeg_read_scanlines(&decoder, &row, 1);
  }
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
}

std::function<void(const Bytes&)> loading(images::ImageOptions options) {
  auto loader = std::make_shared<images::ImageLoader>(options);
  auto workspace = std::shared_ptr<images::Workspace>(loader->take_workspace());
  auto out = std::make_shared<std::vector<char>>(options.height * options.width * options.channels * sizeof(float) + 64);
  const Field field = loader->field("image");
  return [=](const Bytes& file) {
    static std::uint64_t key = 0;
    loader->load(file, key++ * 0x9e3779b97f4a7c15u, {out->data(), field.dtype, field.shape}, *workspace);
  };
}

// Rounds of all ways take turns, so that a machine that slows down slows all of them.
int measure_decoding(const std::vector<std::string>& paths) {
  std::vector<Bytes> files;
  for (const std::string& path : paths) files.push_back(content_of(path));
  Bytes pixels;
  const auto reader = images::make_jpeg_reader(false);
  const auto read_rows = [&](const Bytes& file) {
    const images::ImageSize size = reader->open(file);
    reader->start(1, {0, 0, size.height, size.width}, 3);
    for (std::uint32_t y = 0; y < size.height; ++y) reader->next_row();
    reader->finish();
  };
  images::ImageOptions whole{.height = 375, .width = 500, .dtype = "uint8", .scaled_decode = false}, full{.scaled_decode = false}, scaled, random{.crop = "random", .flip = 0.5};
  const std::pair<const char*, std::function<void(const Bytes&)>> ways[] = {{"libjpeg-turbo alone", [&](const Bytes& file) { decode_bare(file, pixels); }},
                                                                           {"our decoder, rows", read_rows},
                                                                           {"loader, 500 x 375, uint8", loading(whole)},
                                                                           {"loader, 224 x 224 out of a full decode, float32", loading(full)},
                                                                           {"loader, 224 x 224, float32", loading(scaled)},
                                                                           {"loader, 224 x 224 of a random part, float32", loading(random)}};
  std::map<std::string, std::vector<double>> rates;
  for (int round = 0; round < kRounds; ++round)
    for (const auto& [name, decode] : ways) rates[name].push_back(static_cast<double>(files.size()) / seconds_of([&, &call = decode] { for (const Bytes& file : files) call(file); }));
  for (auto& [name, all] : rates) std::sort(all.begin(), all.end());
  const double bare = rates[ways[0].first][kRounds / 2];
  for (const auto& [name, decode] : ways) {
    const std::vector<double>& all = rates[name];
    std::cout << nlohmann::ordered_json{{"case", "decode"}, {"way", name}, {"images_per_second", all[kRounds / 2]}, {"min", all.front()}, {"max", all.back()}, {"over_bare", all[kRounds / 2] / bare}}.dump()
              << std::endl;
  }
  return 0;
}

std::vector<std::uint64_t> shuffled(std::uint64_t count) {
  std::vector<std::uint64_t> ids(count);
  for (std::uint64_t i = 0; i < count; ++i) ids[i] = i;
  std::mt19937_64 random(1);
  for (std::uint64_t i = count; i > 1; --i) std::swap(ids[i - 1], ids[random() % i]);
  return ids;
}

// Gives batches of the ids to threads.
void in_batches(const std::vector<std::uint64_t>& ids, std::size_t num_threads, const std::function<void(std::span<const std::uint64_t>)>& work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < num_threads; ++t)
    threads.emplace_back([&] {
      for (std::size_t begin; (begin = next.fetch_add(kBatch)) < ids.size();) work(std::span(ids).subspan(begin, std::min(kBatch, ids.size() - begin)));
    });
}

void print_rate(const std::string& name, std::size_t threads, std::uint64_t count, double seconds, double start_seconds) {
  std::cout << nlohmann::ordered_json{{"case", "read"}, {"way", name}, {"threads", threads}, {"samples_per_second", static_cast<double>(count) / seconds}, {"start_s", start_seconds}}.dump() << std::endl;
}

// Memory for one read call.
struct Arena {
  trainhost_source_info info;
  std::vector<std::vector<char>> places;
  std::vector<std::vector<std::int64_t>> shapes;
  std::size_t used = 0;

  static trainhost_status reserve(void* impl, std::uint64_t, std::uint32_t field, const std::int64_t* shape, trainhost_tensor* out, trainhost_error*) {
    Arena& self = *static_cast<Arena*>(impl);
    const trainhost_field& described = *self.info.fields[field];
    if (self.used == self.places.size()) self.places.emplace_back(), self.shapes.emplace_back();
    auto& kept = self.shapes[self.used];
    kept.assign(shape, shape + described.ndim);
    std::size_t bytes = described.dtype.bits / 8u;
    for (const std::int64_t axis : kept) bytes *= static_cast<std::size_t>(axis);
    auto& place = self.places[self.used++];
    if (place.size() < bytes) place.resize(bytes);
    *out = {place.data(), TRAINHOST_DEVICE_CPU, 0, described.ndim, described.dtype, kept.data(), nullptr, 0};
    return TRAINHOST_OK;
  }
};

double seconds_of_epoch(const PluginUnderTest& source, const std::vector<std::uint64_t>& ids, std::size_t threads) {
  return seconds_of([&] {
    in_batches(ids, threads, [&](std::span<const std::uint64_t> batch) {
      thread_local Arena arena{source_info(source), {}, {}};
      arena.used = 0;
      const trainhost_read wanted{sizeof(trainhost_read), 0, batch.size(), batch.data(), batch.data()};
      const trainhost_batch_writer writer{&arena, &Arena::reserve};
      call(source.table<trainhost_data_source>(TRAINHOST_DATA_SOURCE).read, source.c(), &wanted, &writer);
    });
  });
}

int measure_source(const std::string& plugin_file, const std::string& config, std::size_t threads, const std::string& name) {
  PluginUnderTest source({}, plugin_file);
  const double start_seconds = seconds_of([&] { source.create(config).start(); });
  const auto ids = shuffled(source_info(source).num_samples);
  print_rate(name, threads, ids.size(), seconds_of_epoch(source, ids, threads), start_seconds);
  return 0;
}

int measure_cached(const std::string& plugin_file, const std::string& config, const std::string& cache_file, const std::string& folder, std::size_t threads,
                   const std::string& name) {
  PluginUnderTest source({}, plugin_file), cache({}, cache_file);
  source.create(config).start();
  cache.host.cache_folder = folder;
  cache.host.upstreams = {source.c()};
  const double start_seconds = seconds_of([&] { cache.create().start(); });
  const auto ids = shuffled(source_info(cache).num_samples);
  for (const char* epoch : {"first", "second"}) print_rate(format("{}, {} epoch", name, epoch), threads, ids.size(), seconds_of_epoch(cache, ids, threads), start_seconds);
  return 0;
}

int measure_files(std::size_t threads, const std::string& list, const std::string& name) {
  std::ifstream in(list);
  std::vector<std::string> paths;
  for (std::string path; std::getline(in, path);) paths.push_back(path);
  const auto ids = shuffled(paths.size());
  std::atomic<std::uint64_t> bytes = 0;
  const double seconds = seconds_of([&] {
    in_batches(ids, threads, [&](std::span<const std::uint64_t> batch) {
      for (const std::uint64_t id : batch) bytes += content_of(paths[id]).size();
    });
  });
  print_rate(name, threads, ids.size(), seconds, 0);
  return bytes == 0;
}

}  // namespace

int main(int count, char** words) try {
  const std::vector<std::string> arguments(words + 1, words + count);
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "decode" && count > 2) return measure_decoding({arguments.begin() + 1, arguments.end()});
  if (what == "source" && count == 6) return measure_source(arguments[1], arguments[2], std::stoul(arguments[3]), arguments[4]);
  if (what == "cached" && count == 8) return measure_cached(arguments[1], arguments[2], arguments[3], arguments[4], std::stoul(arguments[5]), arguments[6]);
  if (what == "files" && count == 5) return measure_files(std::stoul(arguments[1]), arguments[2], arguments[3]);
  std::cerr << "usage: see the top of bench/image_rates.cpp\n";
  return 2;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
