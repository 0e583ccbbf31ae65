import { Problem } from '#libs/contracts';
import { parseAttributePath, type AttributePath } from '../attribute-path.js';
import { scimProblem } from '../errors.js';
import { invalidFilter, type ComparisonOperator, type Filter, type FilterValue } from './filter.js';

/** Characters. */
const MAX_FILTER_LENGTH = 4_000;
const MAX_PATH_LENGTH = 1_000;
/** Comparisons and presence tests. */
const MAX_CONDITIONS = 100;
/** Nested parentheses and brackets. */
const MAX_DEPTH = 32;

const SPACES = /[ \t\r\n]*/y;
const WORD = /[A-Za-z$][\w$.:%/-]*/y;
const STRING = /"(?:[^"\\]|\\[^])*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS = new Map<string, FilterValue>([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const OPERATORS = new Set<string>(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);

/** The target of a PATCH operation (RFC 7644, 3.5.2). */
export interface PatchPath extends AttributePath {
  /** Selects values of a multi-valued attribute. */
  filter?: Filter;
}

/** @throws Problem `validation` with `invalidFilter` */
export function parseFilter(text: string): Filter {
  if (text.length > MAX_FILTER_LENGTH) throw invalidFilter(`It has more than ${MAX_FILTER_LENGTH} characters.`);
  return new Parser(text).filter();
}

/** @throws Problem `validation` with `invalidPath`, or with `invalidFilter` for the filter in brackets */
export function parsePatchPath(text: string): PatchPath {
  if (text.length > MAX_PATH_LENGTH) throw invalidPath(`It has more than ${MAX_PATH_LENGTH} characters.`);
  return new Parser(text).patchPath();
}

/** Undefined if the text is not a path. */
export function tryParsePatchPath(text: string): PatchPath | undefined {
  try {
    return parsePatchPath(text);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

const invalidPath = (detail: string) => scimProblem('invalidPath', `The path is not valid. ${detail}`);

/**
 * Recursive descent parser for the grammar of RFC 7644 (figures 1 and 7). Spaces are optional where the text is
 * unambiguous.
 */
class Parser {
  private position = 0;
  private depth = 0;
  private conditions = 0;

  constructor(private readonly text: string) {}

  filter(): Filter {
    const filter = this.or(false);
    if (this.position < this.text.length) throw this.expected('and, or, or the end');
    return filter;
  }

  patchPath(): PatchPath {
    this.spaces();
    const path = parseAttributePath(this.match(WORD) ?? '');
    if (!path) throw invalidPath('Expected the name of an attribute.');
    const filter = this.take('[') ? this.valueFilter() : undefined;
    const subAttribute = filter && this.subAttribute();
    this.spaces();
    const ambiguous = filter !== undefined && path.subAttribute !== undefined;
    if (this.position < this.text.length || ambiguous) throw invalidPath('It does not follow RFC 7644, 3.5.2.');
    return { ...path, ...(filter && { filter }), ...(subAttribute !== undefined && { subAttribute }) };
  }

  /** @param inner whether the filter is in brackets, where paths are names of sub-attributes */
  private or(inner: boolean): Filter {
    return this.list('or', () => this.list('and', () => this.term(inner)));
  }

  private list(kind: 'and' | 'or', next: () => Filter): Filter {
    const first = next();
    const filters = [first];
    while (this.keyword(kind)) filters.push(next());
    return filters.length === 1 ? first : { kind, filters };
  }

  private term(inner: boolean): Filter {
    this.spaces();
    if (this.take('(')) return this.group(inner);
    if (this.negation()) return { kind: 'not', filter: this.group(inner) };
    const path = this.path(inner);
    this.spaces();
    if (!inner && this.take('[')) return this.valuePath(path);
    return this.condition(path);
  }

  private group(inner: boolean): Filter {
    const filter = this.nested(() => this.or(inner));
    if (!this.take(')')) throw this.expected(')');
    return filter;
  }

  /** Also accepts `emails[type eq "work"].value eq "…"`, which Entra sends although the grammar does not allow it. */
  private valuePath(path: AttributePath): Filter {
    if (path.subAttribute !== undefined) throw this.expected('a condition');
    const selection = this.valueFilter();
    const name = this.subAttribute();
    if (name === undefined) return { kind: 'valuePath', path, filter: selection };
    const filters = [selection, this.condition({ name })];
    return { kind: 'valuePath', path, filter: { kind: 'and', filters } };
  }

  private valueFilter(): Filter {
    const filter = this.nested(() => this.or(true));
    if (!this.take(']')) throw this.expected(']');
    return filter;
  }

  private subAttribute(): string | undefined {
    if (!this.take('.')) return undefined;
    const path = parseAttributePath(this.match(WORD) ?? '');
    if (!path || path.schema !== undefined || path.subAttribute !== undefined)
      throw this.expected('the name of a sub-attribute');
    return path.name;
  }

  private condition(path: AttributePath): Filter {
    if (++this.conditions > MAX_CONDITIONS) throw invalidFilter(`It has more than ${MAX_CONDITIONS} conditions.`);
    this.spaces();
    const operator = this.match(WORD)?.toLowerCase() ?? '';
    if (operator === 'pr') return { kind: 'present', path };
    if (!OPERATORS.has(operator)) throw this.expected('an operator');
    this.spaces();
    return { kind: 'comparison', path, operator: operator as ComparisonOperator, value: this.value() };
  }

  private path(inner: boolean): AttributePath {
    const path = parseAttributePath(this.match(WORD) ?? '');
    const nested = path?.schema !== undefined || path?.subAttribute !== undefined;
    if (!path || (inner && nested)) throw this.expected('the name of an attribute');
    return path;
  }

  /** A JSON string, number or literal. */
  private value(): FilterValue {
    const string = this.match(STRING);
    if (string !== undefined) return this.unescape(string);
    const number = this.match(NUMBER);
    if (number !== undefined) return Number(number);
    const literal = LITERALS.get(this.match(WORD) ?? '');
    if (literal === undefined) throw this.expected('a JSON value');
    return literal;
  }

  private unescape(string: string): string {
    try {
      return JSON.parse(string) as string;
    } catch {
      throw this.expected('a valid JSON string');
    }
  }

  /** Consumes `not` and the parenthesis that must follow it. */
  private negation(): boolean {
    const start = this.position;
    if (this.match(WORD)?.toLowerCase() === 'not') {
      this.spaces();
      if (this.take('(')) return true;
    }
    this.position = start;
    return false;
  }

  private keyword(keyword: string): boolean {
    this.spaces();
    const start = this.position;
    if (this.match(WORD)?.toLowerCase() === keyword) return true;
    this.position = start;
    return false;
  }

  private nested<T>(parse: () => T): T {
    if (++this.depth > MAX_DEPTH) throw invalidFilter(`It is nested deeper than ${MAX_DEPTH} levels.`);
    const result = parse();
    this.spaces();
    this.depth--;
    return result;
  }

  private spaces(): void {
    this.match(SPACES);
  }

  private take(symbol: string): boolean {
    if (this.text[this.position] !== symbol) return false;
    this.position++;
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const [match] = pattern.exec(this.text) ?? [];
    this.position += match?.length ?? 0;
    return match;
  }

  private expected(what: string) {
    return invalidFilter(`Expected ${what} at character ${this.position + 1}.`);
  }
}
