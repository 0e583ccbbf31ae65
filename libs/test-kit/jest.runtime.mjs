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
 * A module registry: modules of packages are in the map that all test files share, all others in this one.
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
 * Jest loads all modules again for every test file. This runtime shares the packages, which take most of the time and
 * are not under test, between the files of a process; our own modules are still loaded for each file.
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
    // Modules that a package loads lazily are still loaded by the runtime that loaded the package.
    this.enterTestCode();
  }
}
