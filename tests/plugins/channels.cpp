// A well-behaved effect with an unusual number of channels: each input comes out again, and where there is no
// input, white noise between -0.5 and 0.5, each channel its own.

#include "test_plugin.hpp"

START_NAMESPACE_DISTRHO

class Channels : public TestPlugin {
public:
    Channels() : TestPlugin(1) {}

protected:
    void initParameter(uint32_t, Parameter& parameter) override { range(parameter, "Gain", "dB", -60.0f, 20.0f); }

    float getParameterValue(uint32_t) const override { return gain_db; }

    void setParameterValue(uint32_t, float value) override { gain_db = value; }

    void run(const float** inputs, float** outputs, uint32_t frames) override {
        const float factor = gain(gain_db);
        for (uint32_t index = 0; index < DISTRHO_PLUGIN_NUM_OUTPUTS; ++index)
            for (uint32_t n = 0; n < frames; ++n)
                outputs[index][n] = factor * (DISTRHO_PLUGIN_NUM_INPUTS ? inputs[index][n] : noise());
    }

private:
    float noise() {
        seed = 1664525u * seed + 1013904223u;
        return static_cast<float>(seed >> 8) / (1 << 24) - 0.5f;
    }

    float gain_db = 0.0f;
    uint32_t seed = 1;
};

Plugin* createPlugin() { return new Channels(); }

END_NAMESPACE_DISTRHO
