import { constants, createContext } from 'node:vm';
import { ModuleMocker } from 'jest-mock';
import { installCommonGlobals } from 'jest-util';

/**
 * A plain global object. Jest's own intercepts every access, which makes parsers that use Math for each byte very slow.
 */
function plainGlobal() {
  // Without a context object, the result is the new global object itself.
  const made = /** @type {typeof globalThis} */ (createContext(constants.DONT_CONTEXTIFY));
  for (const [name, { enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
    if (Object.hasOwn(made, name)) continue;
    // Copies the value, not the lazy getter, which works only for Node's own global object.
    const value = Reflect.get(globalThis, name);
    Object.defineProperty(made, name, { value, enumerable, configurable: true, writable: true });
  }
  // Node's modules return instances of these classes, so the tests must see the same classes.
  Object.assign(made, { global: made, ArrayBuffer, Uint8Array });
  installCommonGlobals(made, {}, 'off');
  return made;
}

// A call to another service inside a transaction fails the test, whichever service makes it.
process.env.LEAVER_CALLS_IN_TRANSACTION = 'throw';

const shared = plainGlobal();
const pristine = Object.getOwnPropertyDescriptors(shared);
const { exit } = shared.process;
const variables = { ...shared.process.env };

/**
 * The environment of a test file. The modules that the test files of a process share (jest.runtime.mjs) are bound to
 * one global object, so all files use the same one, and it is reset after each file, as are the environment variables.
 */
export default class {
  global = shared;
  moduleMocker = new ModuleMocker(shared);
  fakeTimers = null;
  fakeTimersModern = null;

  getVmContext() {
    return shared;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  async setup() {}

  async teardown() {
    for (const name of Reflect.ownKeys(shared)) {
      // Modules define properties that they need permanently as non-configurable; those stay.
      if (!Object.hasOwn(pristine, name)) Reflect.deleteProperty(shared, name);
    }
    Object.defineProperties(shared, pristine);
    const { process } = shared;
    process.exit = exit;
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, variables);
  }
}
