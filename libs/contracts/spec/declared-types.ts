import { join, relative } from 'node:path';
import ts from 'typescript';
import { fieldsOf, type Class, type Field } from '../src/fields/registry.js';
import { Probes } from './probes.js';
import { membersOfSchema, membersOfType, textOf, type Members } from './type-text.js';

const ROOT = join(import.meta.dirname, '../../..');
const SETTINGS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2024.d.ts'],
  types: [],
  strict: true,
  strictPropertyInitialization: false,
  experimentalDecorators: true,
  skipLibCheck: true,
};

type Module = Readonly<Record<string, unknown>>;

/** Compares the compiler's types of contract fields with what their decorators declare. */
export class DeclaredTypes {
  private readonly program: ts.Program;
  private readonly checker: ts.TypeChecker;

  /** @param files all files whose exports will be compared */
  constructor(files: readonly string[]) {
    this.program = ts.createProgram([...files], SETTINGS);
    this.checker = this.program.getTypeChecker();
  }

  /**
   * Returns one sentence per disagreement in the classes that this file exports, and one per contract class in its
   * folder that it does not export.
   * @param module the file's exports at run time
   */
  disagreements(file: string, module: Module): string[] {
    const exported = this.exportsOf(file);
    const contracts = exported
      .map(({ name, type }) => ({ type, runtime: module[name] as Class }))
      .filter(({ runtime }) => isContract(runtime));
    const probes = new Probes(contracts.map(({ runtime }) => runtime));
    const found = contracts.flatMap(({ type, runtime }) => this.disagreementsOf(type, runtime, probes));
    return [
      ...new Set([
        ...found,
        ...this.missing(
          file,
          exported.map(({ type }) => type),
        ),
      ]),
    ];
  }

  /** The classes that the file exports; other exports have no fields. */
  exportsOf(file: string): { name: string; type: ts.InterfaceType }[] {
    const symbol = this.checker.getSymbolAtLocation(this.program.getSourceFile(file)!)!;
    return this.checker.getExportsOfModule(symbol).flatMap((one) => {
      const target = one.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(one) : one;
      if (!(target.flags & ts.SymbolFlags.Class)) return [];
      return [{ name: one.name, type: this.checker.getDeclaredTypeOfSymbol(target) as ts.InterfaceType }];
    });
  }

  private disagreementsOf(type: ts.InterfaceType, runtime: Class, probes: Probes): string[] {
    const fields = fieldsOf(runtime);
    return this.checker.getPropertiesOfType(type).flatMap((property) => {
      const { name, valueDeclaration: declaration } = property;
      if (!declaration || !ts.isPropertyDeclaration(declaration)) return [];
      const field = fields.get(name);
      const declared = membersOfType(this.checker.getTypeOfSymbol(property), this.checker);
      const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      const found = field
        ? [...compare(declared, optional, field), ...probes.disagreement(runtime, name, field)]
        : [undecorated(declared)];
      return found.map((text) => `${placeOf(declaration.parent)}.${name} ${text}`);
    });
  }

  /** Contract classes that the file does not export and that would therefore not be compared. */
  private missing(file: string, exported: readonly ts.InterfaceType[]): string[] {
    const known = new Set(exported.flatMap((type) => this.withAncestors(type)).map(({ symbol }) => symbol));
    const folder = join(file, '..');
    return this.program
      .getSourceFiles()
      .filter(({ fileName }) => fileName.startsWith(`${folder}/`))
      .flatMap(({ statements }) => statements.filter(ts.isClassDeclaration))
      .filter((declaration) =>
        declaration.members.some((member) => ts.canHaveDecorators(member) && ts.getDecorators(member)),
      )
      .filter(({ name }) => name && !known.has(this.checker.getSymbolAtLocation(name)!))
      .map(
        (declaration) =>
          `${placeOf(declaration)} has decorated fields, but ${relative(ROOT, file)} does not export it: its types ` +
          "can't be compared. Export it.",
      );
  }

  private withAncestors(type: ts.InterfaceType): ts.InterfaceType[] {
    const bases = type.isClass() ? this.checker.getBaseTypes(type) : [];
    return [type, ...bases.flatMap((base) => this.withAncestors(base as ts.InterfaceType))];
  }
}

/** A contract class has a constructor without parameters, unlike `Problem`. */
const isContract = (runtime: Class): boolean => runtime.length === 0;

const compare = (declared: Members, optional: boolean, field: Field): string[] => [
  ...presence(optional, !field.required),
  ...nullability(declared.includes('null'), field.nullable),
  ...kind(declared, membersOfSchema(field.schema())),
];

const undecorated = (declared: Members): string =>
  `is declared as ${short(declared)}, but has no decorator: the API neither accepts nor describes it. Add a decorator or ` +
  'remove the field.';

function presence(declared: boolean, decorated: boolean): string[] {
  if (declared === decorated) return [];
  return declared
    ? ['is declared optional, but its decorator requires it. Add `optional: true` to the decorator or remove the `?`.']
    : ['is declared as always present, but its decorator lets it be left out. Add a `?` or remove `optional: true`.'];
}

function nullability(declared: boolean, decorated: boolean): string[] {
  if (declared === decorated) return [];
  return declared
    ? ['is declared as possibly null, but its decorator refuses null. Add `nullable: true` or remove `| null`.']
    : ['is declared as never null, but its decorator accepts null. Add `| null` or remove `nullable: true`.'];
}

function kind(declared: Members, decorated: Members): string[] {
  const [type, schema] = [withoutNull(declared), withoutNull(decorated)];
  if (textOf(type) === textOf(schema)) return [];
  return [
    `is declared as ${short(type)}, but its decorator accepts and describes ${short(schema)}.` +
      `${only('type', type, schema)}${only('decorator', schema, type)} Correct the one that differs from what the ` +
      'services send and accept.',
  ];
}

const withoutNull = (members: Members): Members => members.filter((one) => one !== 'null');

/** Long unions often differ in only one or two members, which are hard to find. */
function only(owner: string, members: Members, others: Members): string {
  const own = members.filter((one) => !others.includes(one));
  return own.length > 0 && own.length < members.length ? ` Only the ${owner} has ${short(own)}.` : '';
}

function short(members: Members): string {
  const text = textOf(members);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function placeOf(declaration: ts.Node): string {
  const file = relative(ROOT, declaration.getSourceFile().fileName);
  return `${file}: ${ts.isClassDeclaration(declaration) ? declaration.name?.text : 'class'}`;
}
