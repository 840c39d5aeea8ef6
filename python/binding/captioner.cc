// The extension module behind attend.Captioner, which needs oneDNN and libvips where the engine does not.
#include "attend/captioner.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "binding/array.h"
#include "binding/cast.h"
#include "binding/photo.h"
#include "binding/refusal.h"
#include "binding/thread_count.h"
#include "captioner/embedded_model.h"

namespace attend::python {
namespace {

using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

/// As Python has the bytes of names.
nb::object text_of(const std::string& bytes) {
  nb::object text =
      nb::steal(PyUnicode_DecodeFSDefaultAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
  if (!text.is_valid()) throw nb::python_error();
  return text;
}

/// The system's number for why a file could not be read. A Status carries it as its sentence alone, at the
/// end.
int system_error_of(const Status& status) {
  constexpr int kMost = 134;  // Linux counts to 133
  if (status.code() == StatusCode::kNotFound) return ENOENT;
  for (int error = 1; error < kMost; ++error) {
    if (status.message().ends_with(std::string(": ") + std::strerror(error))) return error;
  }
  return EIO;
}

/// As raise_if_error(), for failures of files, whose names may be no UTF-8. The system's are
/// OSError(errno, text, `path`), of the subclass that Python has for the number.
void raise_if_file_error(const Status& status, const std::string& path) {
  switch (status.code()) {
    case StatusCode::kOk:
      return;
    case StatusCode::kOutOfMemory:
      return raise_if_error(status);
    case StatusCode::kNotFound:
    case StatusCode::kIo: {
      const std::string named = path + ": ";
      const std::string& message = status.message();
      const std::string text = message.starts_with(named) ? message.substr(named.size()) : message;
      const nb::object error =
          nb::handle(PyExc_OSError)(system_error_of(status), text_of(text), text_of(path));
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
      break;
    }
    default:
      PyErr_SetObject(PyExc_ValueError, text_of(status.message()).ptr());
  }
  throw nb::python_error();
}

/// A path, as bytes. Where the system gets it, a null byte would end it: another file would be opened.
std::string path_of(const nb::bytes& bytes, const std::string& name) {
  std::string path(bytes.c_str(), bytes.size());
  if (path.find('\0') != std::string::npos) refuse_value(name + " is a path with an embedded null byte");
  return path;
}

/// A Captioner and where it runs.
class Speaker {
 public:
  Speaker(const std::optional<std::string>& path, int threads, WeightPrecision precision)
      : threads_(threads),
        executor_(make_openmp_executor(threads)),
        captioner_(load(path, threads, *executor_, precision)) {}

  const Captioner& captioner() const { return captioner_; }

  /// body(captioner), while other Python threads run. `path` is that of the photo, if it has one.
  template <class Body>
  Caption say(const std::string& path, Body&& body) const {
    Result<Caption> caption = Status();
    {
      const nb::gil_scoped_release others_may_run;
      on_openmp_threads(threads_, [&] { caption = body(captioner_); });
    }
    raise_if_file_error(caption.status(), path);
    return std::move(caption).value();
  }

 private:
  static Captioner load(const std::optional<std::string>& path, int threads, Executor& executor,
                        WeightPrecision precision) {
    if (!path && precision != WeightPrecision::kAsStored) {
      refuse_value("weights are rounded of published checkpoints alone: model must be the folder of one");
    }
    if (!path && embedded_model().empty()) {
      refuse_value("model is None, but this build has no model inside: name a model file");
    }
    Result<Captioner> captioner = Status();
    {
      const nb::gil_scoped_release others_may_run;
      on_openmp_threads(threads, [&] {
        captioner = path ? Captioner::load(*path, executor, precision)
                         : Captioner::load(embedded_model(), "the model inside the package", executor);
      });
    }
    raise_if_file_error(captioner.status(), path.value_or(""));
    return std::move(captioner).value();
  }

  int threads_;
  std::unique_ptr<Executor> executor_;
  Captioner captioner_;
};

WeightPrecision precision_of(const std::string& weights) {
  if (weights == "stored") return WeightPrecision::kAsStored;
  if (weights == "bf16") return WeightPrecision::kBFloat16;
  if (weights == "int8") return WeightPrecision::kInt8;
  refuse_value("weights is \"" + weights + "\", but must be \"stored\", \"bf16\" or \"int8\"");
}

void create(Speaker* self, const std::optional<nb::bytes>& model, const nb::object& threads,
            const std::string& weights) {
  std::optional<std::string> path;
  if (model) path = path_of(*model, "model");
  new (self) Speaker(path, thread_count_of(threads), precision_of(weights));
}

CaptionOptions options_of(const nb::kwargs& named) {
  CaptionOptions options;
  for (const auto& [key, object] : named) {
    const auto name = nb::cast<std::string>(key);
    const auto value = nb::borrow<nb::object>(object);
    if (value.is_none()) continue;
    if (name == "beam") {
      options.beam = integer<int>(value, name);
    } else if (name == "length_exponent") {
      options.length_exponent = number<double>(value, name);
    } else if (name == "no_repeat_ngram") {
      options.no_repeat_ngram = integer<int>(value, name);
    } else if (name == "min_words") {
      options.min_words = integer<int>(value, name);
    } else if (name == "max_words") {
      options.max_words = integer<int>(value, name);
    } else if (name == "sample_seed") {
      options.sample_seed = integer<uint64_t>(value, name);
    } else if (name == "temperature") {
      options.temperature = number<double>(value, name);
    } else if (name == "prompt") {
      options.prompt = cast<std::string>(value, name, "a str");
    } else if (name == "attention") {
      options.attention = cast<bool>(value, name, "a bool");
    } else {
      refuse_type("there is no option \"" + name + "\"");
    }
  }
  return options;
}

/// [grid, grid], NumPy's own; None where attention was not asked for.
nb::object map_of(const CaptionWord& word, int grid) {
  if (word.attention.empty()) return nb::none();
  auto owned = std::make_unique<std::vector<float>>(word.attention);
  float* data = owned->data();
  const nb::capsule owner(owned.release(),
                          [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  const auto side = static_cast<size_t>(grid);
  return nb::cast(nb::ndarray<nb::numpy, float>(data, {side, side}, owner));
}

/// (text, probability, log_probability, [(text, probability, attention), ...], [token, ...])
nb::tuple to_python(const Caption& caption) {
  nb::list words;
  for (const CaptionWord& word : caption.words) {
    words.append(nb::make_tuple(word.text, word.probability, map_of(word, caption.grid)));
  }
  return nb::make_tuple(caption.text, caption.probability, caption.log_probability, words, caption.tokens);
}

nb::tuple caption_file(const Speaker& self, const nb::bytes& photo, const nb::kwargs& named) {
  const CaptionOptions options = options_of(named);
  const std::string path = path_of(photo, "image");
  return to_python(
      self.say(path, [&](const Captioner& captioner) { return captioner.caption_file(path, options); }));
}

nb::tuple caption_pixels(const Speaker& self, const nb::object& image, const nb::kwargs& named) {
  const CaptionOptions options = options_of(named);
  const Photo photo = photo_of(image);
  return to_python(
      self.say("", [&](const Captioner& captioner) { return captioner.caption(photo, options); }));
}

}  // namespace
}  // namespace attend::python

NB_MODULE(_captioner, m) {
  namespace nb = nanobind;
  using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a
  namespace here = attend::python;
  using here::Speaker;

  m.attr("has_model") = !attend::embedded_model().empty();
  nb::class_<Speaker>(m, "Captioner", "A loaded model.")
      .def("__init__", &here::create, "model"_a.none(), "threads"_a.none(), "weights"_a)
      .def("caption_file", &here::caption_file, "path"_a, "options"_a)
      .def("caption_pixels", &here::caption_pixels, "image"_a.none(), "options"_a)
      .def_prop_ro("grid", [](const Speaker& self) { return self.captioner().grid(); })
      .def_prop_ro("vocabulary", [](const Speaker& self) { return self.captioner().vocabulary(); })
      .def_prop_ro("parameters", [](const Speaker& self) { return self.captioner().parameters(); })
      .def_prop_ro("notes", [](const Speaker& self) { return self.captioner().notes(); });
}
