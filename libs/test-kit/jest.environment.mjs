import { constants, createContext } from 'node:vm';
import { ModuleMocker } from 'jest-mock';
import { installCommonGlobals } from 'jest-util';

/** A plain global object. Jest's own watches every access: a parser that uses Math for each byte takes ages with it. */
function plainGlobal() {
  // Without a context object, what is made is a global object itself.
  const made = /** @type {typeof globalThis} */ (createContext(constants.DONT_CONTEXTIFY));
  for (const [name, { enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
    if (Object.hasOwn(made, name)) continue;
    // The value, not how Node makes it when it is first asked for: that works for its own global object only.
    const value = Reflect.get(globalThis, name);
    Object.defineProperty(made, name, { value, enumerable, configurable: true, writable: true });
  }
  // Node's own modules answer with these of theirs, which have to pass for the tests' own.
  Object.assign(made, { global: made, ArrayBuffer, Uint8Array });
  installCommonGlobals(made, {}, 'off');
  return made;
}

// A call to another service while a transaction is open makes the test fail, whichever service makes it.
process.env.LEAVER_CALLS_IN_TRANSACTION = 'throw';

const shared = plainGlobal();
const pristine = Object.getOwnPropertyDescriptors(shared);
const { exit } = shared.process;
const variables = { ...shared.process.env };

/**
 * Where a test file runs. The packages that the files of a process share (jest.runtime.mjs) know one global object: so all
 * files have that one, and each finds on it, and in the environment variables, what the first one found.
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
      // A package that cannot do without what it put there has made it permanent, and it stays.
      if (!Object.hasOwn(pristine, name)) Reflect.deleteProperty(shared, name);
    }
    Object.defineProperties(shared, pristine);
    const { process } = shared;
    process.exit = exit;
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, variables);
  }
}
