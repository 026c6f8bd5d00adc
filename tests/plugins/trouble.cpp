// An effect that misbehaves on command: in what it does when it runs, and in the latency that it reports.
//
// Its sound in mode "fine", y[n] from x[n], one channel like the other:
//   a[n] = 10^(gain_db / 20) x[n]
//   b[n] = a[n], with `bright` a[n] - a[n - 1] / 2
//   c[n] = b[n] with `voicing` "clean", tanh(b[n]) with "warm", b[n] clipped to +-0.25 with "hard"
//   y[n] = c[n - late_by] + note
// `note` is state that no parameter shows: the first sample of the last block that came while `learn` was on.

#include "test_plugin.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <vector>

#include <unistd.h>

START_NAMESPACE_DISTRHO

enum Knob { kGain, kMode, kLateBy, kSaysLateBy, kVoicing, kBright, kLearn, kKnobs };
enum Mode { kFine, kCrash, kAbort, kHang, kSleep, kLeak, kFlood, kNan, kSlow, kQuiet, kExit, kFork };
enum Voicing { kClean, kWarm, kHard };

// pedalboard tries 1001 places of a knob: in this range it finds all multiples of four
constexpr int kLongest = 4000;

static double now_s() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

class Trouble : public TestPlugin {
public:
    Trouble() : TestPlugin(kKnobs, 1) {}

protected:
    void initParameter(uint32_t index, Parameter& parameter) override {
        switch (index) {
        case kGain: range(parameter, "Gain", "dB", -60.0f, 20.0f); break;
        case kMode:
            words(parameter, "Mode", {"fine", "crash", "abort", "hang", "sleep", "leak", "flood", "nan", "slow", "quiet",
                                      "exit", "fork"});
            break;
        case kLateBy: whole(parameter, "Late By", kLongest); break;
        case kSaysLateBy: whole(parameter, "Says Late By", kLongest); break;
        case kVoicing: words(parameter, "Voicing", {"clean", "warm", "hard"}); break;
        case kBright: toggle(parameter, "Bright"); break;
        case kLearn: toggle(parameter, "Learn"); break;
        }
    }

    float getParameterValue(uint32_t index) const override { return knobs[index]; }

    void setParameterValue(uint32_t index, float value) override {
        knobs[index] = value;
        if (index == kSaysLateBy) setLatency(static_cast<uint32_t>(value));
    }

    void initState(uint32_t, State& state) override {
        state.key = "note";
        state.defaultValue = "0";
    }

    String getState(const char*) const override {
        char text[32];
        std::snprintf(text, sizeof text, "%.9g", static_cast<double>(note));
        return String(text);
    }

    void setState(const char*, const char* value) override { note = static_cast<float>(std::atof(value)); }

    void activate() override {
        for (auto& channel : channels) channel = Channel();
    }

    void run(const float** inputs, float** outputs, uint32_t frames) override {
        if (knobs[kLearn] > 0.5f) note = inputs[0][0];
        for (uint32_t index = 0; index < DISTRHO_PLUGIN_NUM_OUTPUTS; ++index)
            channels[index].run(*this, inputs[index], outputs[index], frames);
        misbehave(outputs, frames);
    }

private:
    struct Channel {
        float before = 0.0f;
        std::vector<float> line = std::vector<float>(kLongest + 1);
        size_t place = 0;

        void run(const Trouble& plugin, const float* input, float* output, uint32_t frames) {
            const float factor = gain(plugin.knobs[kGain]);
            const size_t delay = static_cast<size_t>(plugin.knobs[kLateBy]);
            const int voicing = static_cast<int>(plugin.knobs[kVoicing]);
            for (uint32_t n = 0; n < frames; ++n) {
                const float loud = factor * input[n];
                float sound = plugin.knobs[kBright] > 0.5f ? loud - 0.5f * before : loud;
                before = loud;
                if (voicing == kWarm) sound = std::tanh(sound);
                if (voicing == kHard) sound = std::max(-0.25f, std::min(0.25f, sound));
                line[place] = sound;
                output[n] = line[(place + line.size() - delay) % line.size()] + plugin.note;
                place = (place + 1) % line.size();
            }
        }
    };

    void misbehave(float** outputs, uint32_t frames) {
        switch (static_cast<int>(knobs[kMode])) {
        case kFine: break;
        case kCrash: {
            volatile int* volatile nowhere = nullptr;
            *nowhere = 0;
            break;
        }
        case kAbort: std::abort();
        case kHang:
            for (volatile bool forever = true; forever;) {}
            break;
        case kSleep:
            for (;;) pause();
        case kLeak: {
            constexpr size_t size = 20 << 20;
            static void* volatile lost;
            lost = std::malloc(size);
            std::memset(lost, 1, size);
            break;
        }
        case kFlood: {
            const std::vector<char> text(1 << 16, '!');
            if (write(STDERR_FILENO, text.data(), text.size()) < 0) break;
            break;
        }
        case kNan: fill(outputs, frames, std::numeric_limits<float>::quiet_NaN()); break;
        case kSlow: {
            const double end = now_s() + 2.0 * frames / getSampleRate();
            while (now_s() < end) {}
            break;
        }
        case kQuiet: fill(outputs, frames, 0.0f); break;
        case kExit: _exit(0);
        case kFork:
            if (!forked && fork() == 0)
                for (;;) pause();
            forked = true;
            break;
        }
    }

    static void fill(float** outputs, uint32_t frames, float value) {
        for (uint32_t index = 0; index < DISTRHO_PLUGIN_NUM_OUTPUTS; ++index)
            std::fill_n(outputs[index], frames, value);
    }

    float knobs[kKnobs] = {};
    float note = 0.0f;
    bool forked = false;
    Channel channels[DISTRHO_PLUGIN_NUM_OUTPUTS];
};

Plugin* createPlugin() { return new Trouble(); }

END_NAMESPACE_DISTRHO
