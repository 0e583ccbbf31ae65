import Runtime from 'jest-runtime';

/** The packages that test files of this process have loaded so far, as CommonJS by path and as ES modules by address. */
const required = new Map();
const imported = new Map();

/** Modules by name: what is of a package is in the map that all test files share, everything else in this one. */
class Registry extends Map {
  constructor(packages) {
    super();
    this.packages = packages;
  }
  get(name) {
    return isOfPackage(name) ? this.packages.get(name) : super.get(name);
  }
  has(name) {
    return isOfPackage(name) ? this.packages.has(name) : super.has(name);
  }
  set(name, module) {
    if (!isOfPackage(name)) return super.set(name, module);
    this.packages.set(name, module);
    return this;
  }
  delete(name) {
    return isOfPackage(name) ? this.packages.delete(name) : super.delete(name);
  }
}

const isOfPackage = (name) => /[\\/]node_modules[\\/]/.test(name);

/**
 * Jest loads everything anew for every test file. Here each file has its own copy of our modules, but of the packages,
 * which are most of the work and not under test, all files of a process use the same one.
 */
export default class extends Runtime {
  constructor(...parts) {
    super(...parts);
    this.registries.moduleRegistry = new Registry(required);
    this.registries.esModuleRegistry = new Registry(imported);
  }

  teardown() {
    super.teardown();
    // What a package loads only when it needs it is still loaded by the runtime that loaded the package.
    this.enterTestCode();
  }
}
