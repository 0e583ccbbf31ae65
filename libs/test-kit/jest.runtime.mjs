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
 * The packages that test files of this process have loaded so far, as CommonJS by path and as ES modules by address.
 * @type {Modules}
 */
const required = new Map();
/** @type {Modules} */
const imported = new Map();

/**
 * Modules by name: what is of a package is in the map that all test files share, everything else in this one.
 * @extends {Map<string, unknown>}
 */
class Registry extends Map {
  /** @param {Modules} packages */
  constructor(packages) {
    super();
    this.packages = packages;
  }
  /**
   * @override
   * @param {string} name
   */
  get(name) {
    return isOfPackage(name) ? this.packages.get(name) : super.get(name);
  }
  /**
   * @override
   * @param {string} name
   */
  has(name) {
    return isOfPackage(name) ? this.packages.has(name) : super.has(name);
  }
  /**
   * @override
   * @param {string} name
   * @param {unknown} module
   */
  set(name, module) {
    if (!isOfPackage(name)) return super.set(name, module);
    this.packages.set(name, module);
    return this;
  }
  /**
   * @override
   * @param {string} name
   */
  delete(name) {
    return isOfPackage(name) ? this.packages.delete(name) : super.delete(name);
  }
}

/** @param {string} name */
const isOfPackage = (name) => /[\\/]node_modules[\\/]/.test(name);

/**
 * Jest loads everything anew for every test file. Here each file has its own copy of our modules, but of the packages,
 * which are most of the work and not under test, all files of a process use the same one.
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
    // What a package loads only when it needs it is still loaded by the runtime that loaded the package.
    this.enterTestCode();
  }
}
