import JestRuntime from 'jest-runtime';

/**
 * The part of the class that is used here. Some of it is private, and the types describe the CommonJS entry of the package.
 * @typedef {{
 *   registries: { moduleRegistry: Modules, esModuleRegistry: Modules },
 *   teardown(): void,
 *   enterTestCode(): void,
 * }} PartOfRuntime
 */
/** @typedef {Map<string, unknown>} Modules by path or address */

const Runtime = /** @type {new (...args: unknown[]) => PartOfRuntime} */ (/** @type {unknown} */ (JestRuntime));

/**
 * The modules that test files of this process have loaded so far, as CommonJS by path and as ES modules by address.
 * @type {Modules}
 */
const required = new Map();
/** @type {Modules} */
const imported = new Map();

/**
 * A module registry: test files are in this map, all other modules in the one that all test files share.
 * @extends {Map<string, unknown>}
 */
class Registry extends Map {
  /** @param {Modules} shared */
  constructor(shared) {
    super();
    this.shared = shared;
  }
  /**
   * @override
   * @param {string} name
   */
  get(name) {
    return isTest(name) ? super.get(name) : this.shared.get(name);
  }
  /**
   * @override
   * @param {string} name
   */
  has(name) {
    return isTest(name) ? super.has(name) : this.shared.has(name);
  }
  /**
   * @override
   * @param {string} name
   * @param {unknown} module
   */
  set(name, module) {
    if (isTest(name)) return super.set(name, module);
    this.shared.set(name, module);
    return this;
  }
  /**
   * @override
   * @param {string} name
   */
  delete(name) {
    return isTest(name) ? super.delete(name) : this.shared.delete(name);
  }
}

/** @param {string} name a path or an address, which may have a query */
const isTest = (name) => /\.spec\.ts(\?|$)/.test(name);

/**
 * Jest loads all modules again for every test file, which takes longer than many tests. This runtime shares them between the
 * files of a process. That is safe because no module keeps state: the injector of each started service does. Tests must not
 * replace modules.
 */
export default class extends Runtime {
  /** @param {unknown[]} parts */
  constructor(...parts) {
    super(...parts);
    this.registries.moduleRegistry = new Registry(required);
    this.registries.esModuleRegistry = new Registry(imported);
  }

  /** @override */
  teardown() {
    super.teardown();
    // What a module loads lazily is still loaded by the runtime that loaded the module.
    this.enterTestCode();
  }
}
