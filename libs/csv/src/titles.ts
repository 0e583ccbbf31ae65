import { BadFile } from './bad-file.js';

/** Case, blanks, `_` and `-` in the title of a column do not matter, nor how its accents are composed. */
export const plainTitle = (title: string): string =>
  title
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s_-]/g, '');

/** The first row of a file, which says what its columns hold. */
export class Titles {
  private readonly plain: readonly string[];

  constructor(private readonly titles: readonly string[]) {
    this.plain = titles.map(plainTitle);
  }

  get width(): number {
    return this.titles.length;
  }

  /**
   * The index of the column with one of these names; of several names the first one that there is. Undefined without any.
   * @param except a column that is already used for something else
   * @throws BadFile when two columns have that name: which one is meant is anybody's guess
   */
  find(names: readonly string[], except?: number): number | undefined {
    for (const name of names.map(plainTitle)) {
      const [found, other] = name === '' ? [] : this.indexesOf(name).filter((index) => index !== except);
      if (found !== undefined && other !== undefined) throw new BadFile(this.ambiguous(found, other));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Why nothing is found, where the separator is not the comma. */
  get hasOtherSeparator(): boolean {
    return this.width === 1 && /[;\t|]/.test(this.titles[0]!);
  }

  private indexesOf(name: string): number[] {
    return this.plain.flatMap((title, index) => (title === name ? [index] : []));
  }

  private ambiguous(one: number, other: number): string {
    const [first, second] = [one, other].map((index) => `“${this.titles[index]!.trim()}” (column ${index + 1})`);
    return `Two columns of the heading mean the same: ${first} and ${second}. Remove or rename one of them.`;
  }
}
