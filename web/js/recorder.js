// @ts-check
/** The microphone: records, and gives a WAV of 16 kHz, mono, 16 bit, whatever the browser records in. */

export const RATE = 16000;

/** @param {Float32Array} samples -1 to 1 @param {number} [rate] @returns {ArrayBuffer} */
export function encodeWav(samples, rate = RATE) {
  const buffer = new ArrayBuffer(44 + samples.length * 2);
  const view = new DataView(buffer);
  const word = (/** @type {number} */ at, /** @type {string} */ text) => [...text].forEach((sign, index) => view.setUint8(at + index, sign.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, index) => {
    const clipped = Math.max(-1, Math.min(1, sample));
    view.setInt16(44 + index * 2, Math.round(clipped * (clipped < 0 ? 32768 : 32767)), true);
  });
  return buffer;
}

/** @param {Blob} recorded @param {number} longest Seconds. @returns {Promise<Blob>} */
async function toWav(recorded, longest) {
  const context = new AudioContext();
  try {
    const decoded = await context.decodeAudioData(await recorded.arrayBuffer());
    const length = Math.max(1, Math.floor(Math.min(decoded.duration, longest) * RATE));
    const offline = new OfflineAudioContext(1, length, RATE);
    const source = offline.createBufferSource();
    source.buffer = decoded;
    source.connect(offline.destination);
    source.start();
    const mono = await offline.startRendering();
    return new Blob([encodeWav(mono.getChannelData(0))], { type: "audio/wav" });
  } finally {
    context.close();
  }
}

/**
 * Record until `stop`, or until the longest length.
 * @param {number} longest Seconds. @param {(seconds: number, level: number) => void} tick
 * @returns {Promise<{stop: () => void, cancel: () => void, wav: Promise<Blob|null>}>} wav is null when cancelled
 */
export async function record(longest, tick) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false } });
  const context = new AudioContext();
  const release = () => {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  };
  try {
    return begin(stream, context, release, longest, tick);
  } catch (error) { // such as of a browser that cannot record
    release();
    throw error;
  }
}

/** @param {MediaStream} stream @param {AudioContext} context @param {() => void} release @param {number} longest @param {(seconds: number, level: number) => void} tick */
function begin(stream, context, release, longest, tick) {
  const recorder = new MediaRecorder(stream);
  const meter = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(meter);
  const wave = new Float32Array(meter.fftSize);
  /** @type {Blob[]} */
  const parts = [];
  const began = performance.now();
  let cancelled = false;
  let timer = 0;
  const end = () => recorder.state !== "inactive" && recorder.stop();
  const wav = new Promise((resolve, reject) => {
    recorder.ondataavailable = (event) => event.data.size && parts.push(event.data);
    recorder.onstop = () => {
      clearInterval(timer);
      release();
      if (cancelled) resolve(null);
      else toWav(new Blob(parts, { type: recorder.mimeType }), longest).then(resolve, reject);
    };
  });
  recorder.start();
  timer = window.setInterval(() => {
    meter.getFloatTimeDomainData(wave);
    const past = (performance.now() - began) / 1000;
    tick(past, Math.min(1, 3 * Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length)));
    if (past >= longest) end();
  }, 100);
  return { stop: end, cancel: () => { cancelled = true; end(); }, wav: /** @type {Promise<Blob|null>} */ (wav) };
}
