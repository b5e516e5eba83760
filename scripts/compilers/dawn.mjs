// Parses every text with Dawn's parser, and builds the pipelines, as a browser on Dawn would before it asks the driver: on
// Dawn's null back end. Its argument is the file that `wgpool-compilers browser` writes.
import fs from 'node:fs';
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);

const SLOWEST = 5;
const begin = performance.now();
const { texts, pipelines } = JSON.parse(fs.readFileSync(process.argv[2]));
const gpu = create(['backend=null']);
const adapter = await gpu.requestAdapter();
const device = await adapter.requestDevice({ requiredFeatures: ['shader-f16', 'subgroups'] });

const failures = [];
const times = [];
// A text's module, or nothing where it has been found wrong.
const modules = new Array(texts.length);
for (const { name, text, constants } of pipelines) {
    const start = performance.now();
    if (modules[text] === undefined) {
        device.pushErrorScope('validation');
        const module = device.createShaderModule({ code: texts[text] });
        const { messages } = await module.getCompilationInfo();
        const error = await device.popErrorScope();
        const lines = [...messages].map((m) => `${m.type} in line ${m.lineNum}: ${m.message}`);
        modules[text] = error || lines.length > 0 ? null : module;
        if (modules[text] === null) {
            failures.push(`${name}: ${lines.join('; ') || error.message}`);
        }
    }
    const module = modules[text];
    if (module === null) {
        continue;
    }
    try {
        await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main', constants } });
    } catch (error) {
        failures.push(`${name}: ${error.message}`);
    }
    times.push([performance.now() - start, name]);
}

const seconds = ((performance.now() - begin) / 1000).toFixed(0);
const built = pipelines.length - failures.length;
console.log(`Dawn: ${texts.length} texts, ${built} of ${pipelines.length} pipelines built in ${seconds} s`);
failures.forEach((failure) => console.log(`  FAILED ${failure}`));
times.sort((a, b) => b[0] - a[0]);
times.slice(0, SLOWEST).forEach(([ms, name]) => console.log(`  ${ms.toFixed(0).padStart(6)} ms  ${name}`));
process.exit(failures.length > 0 ? 1 : 0);
