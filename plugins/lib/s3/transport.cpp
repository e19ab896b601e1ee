// Easy handles keep their connections alive between requests, so the pool is one of handles.
#include "s3/transport.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "s3/curl_library.h"
#include "s3/text.h"

namespace trainhost::s3 {
namespace {

const CurlLibrary& curl() { return CurlLibrary::get(); }

constexpr size_t kMaxBody = size_t{32} << 20;  // of answers that are kept in memory: listings and errors

/// What curl's callbacks see of one exchange.
struct Exchange {
  const HttpRequest& request;
  HttpResponse& response;
  const std::function<bool()>& is_unwanted;
  CURL* handle;
  std::span<const std::byte> left_to_send;
  bool is_too_long = false;
};

size_t on_read(char* out, size_t size, size_t count, void* context) {
  auto& left = static_cast<Exchange*>(context)->left_to_send;
  const size_t bytes = std::min(size * count, left.size());
  std::memcpy(out, left.data(), bytes);
  left = left.subspan(bytes);
  return bytes;
}

/// A connection that was kept alive may turn out dead; curl then sends the body again.
int on_seek(void* context, curl_off_t offset, int origin) {
  auto& exchange = *static_cast<Exchange*>(context);
  if (origin != SEEK_SET || static_cast<size_t>(offset) > exchange.request.body.size()) return CURL_SEEKFUNC_CANTSEEK;
  exchange.left_to_send = exchange.request.body.subspan(static_cast<size_t>(offset));
  return CURL_SEEKFUNC_OK;
}

size_t on_write(char* in, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  HttpResponse& response = exchange.response;
  const size_t bytes = size * count;
  curl().easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &response.status);
  const std::span<std::byte> sink = exchange.request.sink;
  const bool is_for_sink = !sink.empty() && response.status >= 200 && response.status < 300;
  exchange.is_too_long = bytes > (is_for_sink ? sink.size() - response.sink_bytes : kMaxBody - response.body.size());
  if (exchange.is_too_long) return 0;
  if (is_for_sink) {
    std::memcpy(sink.data() + response.sink_bytes, in, bytes);
    response.sink_bytes += bytes;
  } else {
    response.body.append(in, bytes);
  }
  return bytes;
}

size_t on_header(char* in, size_t size, size_t count, void* context) {
  auto& response = static_cast<Exchange*>(context)->response;
  const std::string_view line(in, size * count);
  if (line.starts_with("HTTP/")) response.headers.clear();  // those of a 100 Continue do not count
  if (const size_t colon = line.find(':'); colon != std::string_view::npos) response.headers[lower_case(line.substr(0, colon))] = trim(line.substr(colon + 1));
  return line.size();
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return static_cast<Exchange*>(context)->is_unwanted() ? 1 : 0; }

/// Hosts that no proxy can reach for us, beside those that the user lists.
std::string no_proxy() {
  const char* users = std::getenv("no_proxy");
  if (!users) users = std::getenv("NO_PROXY");
  return std::string("127.0.0.1,localhost,::1,169.254.169.254,169.254.170.2,169.254.170.23") + (users && *users ? "," + std::string(users) : "");
}

HttpResponse::Problem judge(CURLcode code) {
  switch (code) {
    case CURLE_OK: return HttpResponse::Problem::kNone;
    case CURLE_ABORTED_BY_CALLBACK: return HttpResponse::Problem::kUnwanted;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_WRITE_ERROR: return HttpResponse::Problem::kLasting;
    default: return HttpResponse::Problem::kTransient;
  }
}

void set_method(CURL* handle, Exchange& exchange) {
  const std::string& method = exchange.request.method;
  if (method == "HEAD")
    curl().easy_setopt(handle, CURLOPT_NOBODY, 1L);
  else if (method == "PUT") {
    curl().easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl().easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(exchange.request.body.size()));
    curl().easy_setopt(handle, CURLOPT_READFUNCTION, &on_read);
    curl().easy_setopt(handle, CURLOPT_READDATA, &exchange);
    curl().easy_setopt(handle, CURLOPT_SEEKFUNCTION, &on_seek);
    curl().easy_setopt(handle, CURLOPT_SEEKDATA, &exchange);
  } else if (method == "POST") {
    curl().easy_setopt(handle, CURLOPT_POST, 1L);
    curl().easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(exchange.request.body.size()));
    curl().easy_setopt(handle, CURLOPT_POSTFIELDS, exchange.request.body.empty() ? "" : reinterpret_cast<const char*>(exchange.request.body.data()));
  } else if (method != "GET")
    curl().easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void set_callbacks(CURL* handle, Exchange& exchange) {
  curl().easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_write);
  curl().easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl().easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
  curl().easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl().easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl().easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl().easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
}

void set_limits(CURL* handle, const HttpRequest& request) {
  curl().easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl().easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl().easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // what was signed
  curl().easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect_seconds));
  curl().easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl().easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_seconds));
  curl().easy_setopt(handle, CURLOPT_BUFFERSIZE, 512L << 10);
  curl().easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
  if (const char* bundle = std::getenv("AWS_CA_BUNDLE"); bundle && *bundle) curl().easy_setopt(handle, CURLOPT_CAINFO, bundle);
  if (request.is_local)
    curl().easy_setopt(handle, CURLOPT_PROXY, "");
  else
    curl().easy_setopt(handle, CURLOPT_NOPROXY, no_proxy().c_str());
}

/// Expect and Content-Type are curl's own additions, and not signed.
curl_slist* header_list(const HttpRequest& request) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers) list = curl().slist_append(list, (name + (value.empty() ? ";" : ": " + value)).c_str());
  list = curl().slist_append(list, "Expect:");
  return request.method == "POST" ? curl().slist_append(list, "Content-Type:") : list;
}

}  // namespace

struct Transport::Connection {
  CURL* handle = curl().easy_init();
  ~Connection() { curl().easy_cleanup(handle); }
};

/// A connection out of the pool, back in it at the end.
class Transport::Lease {
 public:
  explicit Lease(Transport& pool) : pool_(pool) {
    std::unique_lock lock(pool_.mutex_);
    pool_.returned_.wait(lock, [&] { return pool_.num_free_ > 0; });
    --pool_.num_free_;
    if (pool_.idle_.empty()) return;
    connection_ = std::move(pool_.idle_.back());  // the one used last: its connection lives most likely
    pool_.idle_.pop_back();
  }
  ~Lease() {
    {
      const std::lock_guard lock(pool_.mutex_);
      if (connection_) pool_.idle_.push_back(std::move(connection_));
      ++pool_.num_free_;
    }
    pool_.returned_.notify_one();
  }
  CURL* handle() {
    if (!connection_) connection_ = std::make_unique<Connection>();
    if (!connection_->handle) throw std::bad_alloc();
    return connection_->handle;
  }

 private:
  Transport& pool_;
  std::unique_ptr<Connection> connection_;
};

Transport::Transport(unsigned max_connections) : num_free_(max_connections) {
  curl().global_init(CURL_GLOBAL_DEFAULT);
  idle_.reserve(max_connections);  // so that giving one back cannot fail
}

Transport::~Transport() {
  idle_.clear();
  curl().global_cleanup();
}

HttpResponse Transport::send(const HttpRequest& request, const std::function<bool()>& is_unwanted) {
  Lease lease(*this);
  CURL* const handle = lease.handle();
  HttpResponse response;
  Exchange exchange{request, response, is_unwanted, handle, request.body};
  char words[CURL_ERROR_SIZE] = "";
  curl().easy_reset(handle);
  curl().easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl().easy_setopt(handle, CURLOPT_ERRORBUFFER, words);
  set_limits(handle, request);
  set_callbacks(handle, exchange);
  set_method(handle, exchange);
  curl_slist* const headers = header_list(request);
  curl().easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  const CURLcode code = curl().easy_perform(handle);
  curl().easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response.status);
  curl().slist_free_all(headers);
  response.problem = judge(code);
  if (exchange.is_too_long)
    response.problem_words = "the answer is longer than what was asked for";
  else if (code != CURLE_OK)
    response.problem_words = *words ? words : curl().easy_strerror(code);
  return response;
}

}  // namespace trainhost::s3
