// A good instrument: sines that begin with phase 0 at the frame of their event and sound at once.
//
// A note of key k and velocity v, n frames after its event, with f = 440 * 2^((k - 69) / 12):
//   10^(volume_db / 20) * 0.2 * v / 127 * sin(2 pi f n / rate), in both channels,
// from its end on times 1 - m / R for m = 0 .. R - 1, R = 0.005 rate rounded. A key struck again begins a note of
// its own while the one before ends. Controllers 120 and 123 end all notes. Of more than 64 notes the rest is lost.
//
// The first parameter is a meter, as DPF takes an instrument's first one for a controller: it always reads 0.

#include "test_plugin.hpp"

#include <vector>

START_NAMESPACE_DISTRHO

constexpr size_t kVoices = 64;

struct Voice {
    uint8_t key;
    double level;
    uint32_t age = 0;
    bool held = true;
    int32_t left = 0;
};

enum Knob { kSounding, kVolume, kKnobs };

class Pipe : public TestPlugin {
public:
    Pipe() : TestPlugin(kKnobs) { voices.reserve(kVoices); }

protected:
    void initParameter(uint32_t index, Parameter& parameter) override {
        switch (index) {
        case kSounding:
            whole(parameter, "Sounding", kVoices);
            parameter.hints = kParameterIsInteger | kParameterIsOutput;
            break;
        case kVolume: range(parameter, "Volume", "dB", -60.0f, 20.0f); break;
        }
    }

    float getParameterValue(uint32_t index) const override {
        return index == kSounding ? static_cast<float>(voices.size()) : volume_db;
    }

    void setParameterValue(uint32_t, float value) override { volume_db = value; }

    void activate() override { voices.clear(); }

    void run(const float**, float** outputs, uint32_t frames, const MidiEvent* events, uint32_t count) override {
        uint32_t place = 0;
        for (uint32_t n = 0; n < frames; ++n) {
            for (; place < count && events[place].frame <= n; ++place) hear(events[place].data);
            outputs[0][n] = outputs[1][n] = static_cast<float>(sound());
        }
    }

private:
    void hear(const uint8_t* message) {
        const uint8_t kind = message[0] & 0xf0, key = message[1], value = message[2];
        const bool strike = kind == 0x90 && value > 0;
        const bool end_all = kind == 0xb0 && (key == 120 || key == 123);
        for (Voice& voice : voices) {
            if (!voice.held || !(end_all || ((strike || kind == 0x80 || kind == 0x90) && voice.key == key))) continue;
            voice.held = false;
            voice.left = release();
        }
        if (strike && voices.size() < kVoices) voices.push_back({key, 0.2 * value / 127.0});
    }

    double sound() {
        double sum = 0.0;
        for (size_t index = 0; index < voices.size();) {
            Voice& voice = voices[index];
            if (!voice.held && voice.left == 0) {
                voice = voices.back();
                voices.pop_back();
                continue;
            }
            const double frequency = 440.0 * std::pow(2.0, (voice.key - 69) / 12.0);
            const double turns = frequency * voice.age++ / getSampleRate();
            const double fade = voice.held ? 1.0 : static_cast<double>(voice.left--) / release();
            sum += fade * voice.level * std::sin(2.0 * M_PI * (turns - std::floor(turns)));
            ++index;
        }
        return gain(volume_db) * sum;
    }

    int32_t release() const { return static_cast<int32_t>(std::lround(0.005 * getSampleRate())); }

    std::vector<Voice> voices;
    float volume_db = 0.0f;
};

Plugin* createPlugin() { return new Pipe(); }

END_NAMESPACE_DISTRHO
