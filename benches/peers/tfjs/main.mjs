// A workload on TensorFlow.js' WebGPU backend in Node, which `peers.py` has timed in turn with wgpool.
//
// `node main.mjs FOLDER CASE RESULT ADAPTER`: the folder is one that `wgpool bench --export` wrote. Writes the result's elements
// to the file RESULT (f32, little-endian), says in a line of JSON on which device, and then answers each line of standard
// input, a number of runs, with the seconds of one.

import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { create, globals } from 'webgpu';

// TensorFlow.js greets on standard output.
console.log = console.warn = console.error;
process.on('uncaughtException', (error) => {
  console.error(error.message);
  process.exit(1);
});

const [folder, short, result, name] = process.argv.slice(2);
const gpu = create([`adapter=${name}`]);
if (!(await gpu.requestAdapter())) throw new Error(`Dawn finds no ${name}`);
Object.assign(globalThis, globals);
Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
const tf = await import('@tensorflow/tfjs-core');
await import('@tensorflow/tfjs-backend-webgpu');
// Small tensors stay on the device too.
tf.env().set('WEBGPU_CPU_FORWARD', false);
if (!(await tf.setBackend('webgpu'))) throw new Error('the WebGPU backend does not start');

/** A tensor of a NumPy file of little-endian f32 in C order. */
function load(file) {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const shape = header.match(/'descr': '<f4', 'fortran_order': False, 'shape': \(([\d, ]*)\)/);
  if (bytes[6] !== 1 || !shape) throw new Error(`${file}: ${header}`);
  const lengths = shape[1].split(',').filter((n) => n.trim()).map(Number);
  return tf.tensor(new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length)), lengths);
}

/** TensorFlow's own words for padding where it has them: some kernels ask for these. */
function pads({ pad_before: [top, left], pad_after: [bottom, right] }) {
  return top + left + bottom + right ? [[0, 0], [top, bottom], [left, right], [0, 0]] : 'valid';
}

/** What runs the case, with its tensors on the device in the backend's only layout, NHWC. */
function prepare({ conv, pool, inputs }) {
  const every = inputs.map((_, i) => load(`${folder}/${short}.in${i}.npy`));
  const x = tf.transpose(every[0], [0, 2, 3, 1]);
  const steps = [];
  if (conv) {
    const depthwise = conv.groups > 1;
    if (depthwise && (conv.groups !== inputs[0][1] || inputs[1][0] !== conv.groups)) throw new Error('groups are not offered');
    const filter = tf.transpose(every[1], depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0]);
    const [strides, dilations, pad] = [conv.stride, conv.dilation, pads(conv)];
    const options = { filter, strides, pad, dilations, bias: every[2], activation: conv.activation ?? 'linear' };
    const fused = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    steps.push((x) => fused({ x, ...options }));
  }
  if (pool) {
    if (pool.dilation.some((n) => n > 1)) throw new Error('pooling with dilation is not offered');
    if (pool.kind === 'average_with_padding') throw new Error('the average with padding in its count is not offered');
    const each = pool.kind === 'max' ? tf.maxPool : tf.avgPool;
    steps.push((x) => each(x, pool.window, pool.stride, pads(pool)));
  }
  return () => tf.tidy(() => steps.reduce((tensor, step) => step(tensor), x));
}

/** Seconds of one of `count` runs; an element read back through the same queue says when the device is done. */
async function time(run, count) {
  const start = performance.now();
  let last;
  for (let i = 0; i < count; i++) {
    last?.dispose();
    last = run();
  }
  const fence = tf.slice(last, [0, 0, 0, 0], [1, 1, 1, 1]);
  await fence.data();
  const seconds = (performance.now() - start) / 1e3 / count;
  tf.dispose([last, fence]);
  return seconds;
}

const { cases } = JSON.parse(readFileSync(`${folder}/cases.json`, 'utf8'));
const start = performance.now();
const run = prepare(cases.find((found) => found.name.split(' ')[0] === short));
const values = await tf.tidy(() => tf.transpose(run(), [0, 3, 1, 2])).data();
const first_result_ms = performance.now() - start;
writeFileSync(result, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
process.stdout.write(JSON.stringify({ device: name, first_result_ms }) + '\n');
await time(run, 1);
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write((await time(run, Number(line))) + '\n');
}
// Dawn's threads would keep the process.
process.exit(0);
