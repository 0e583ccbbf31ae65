/** A text of the catalogue: a sentence, or a function that makes one. */
export type Texts = { readonly [key: string]: string | ((...values: never[]) => string) | Texts };

/** `en`, or `pseudo`, in which every text of the catalogue is marked: what is not marked has been forgotten. */
const language = new URLSearchParams(window.location.search).get('lang') ?? sessionStorage.getItem('lang') ?? 'en';
if (language !== 'en') sessionStorage.setItem('lang', language);
document.documentElement.lang = language === 'pseudo' ? 'en' : language;

/** The locale of numbers and dates: the reader's own, in the language of the texts. */
export const LOCALE = navigator.languages.find((tag) => tag.startsWith('en') && isLocale(tag)) ?? 'en';

/** Some systems report tags like `en-US@posix`, which `Intl` refuses. */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

/**
 * The texts of a part of the console in the language of the page. Each screen has a file of texts, which is loaded with it.
 * A language is added by a second file beside each and by a choice here.
 */
export const textsOf = <T extends Texts>(english: T): T => (language === 'pseudo' ? pseudoTexts(english) : english);

const ACCENTS: Readonly<Record<string, string>> = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', A: 'Á', E: 'É', O: 'Ó' };

/** Some 30 % longer, as German is, and with marks at both ends that show where a text is cut off. */
const pseudo = (text: string): string =>
  `⟦${text.replace(/[aeiouAEO]/g, (letter) => ACCENTS[letter] ?? letter)}${'~'.repeat(Math.ceil(text.length * 0.3))}⟧`;

function pseudoTexts<T extends Texts>(texts: T): T {
  const entries = Object.entries(texts).map(([key, text]) => {
    if (typeof text === 'string') return [key, pseudo(text)];
    if (typeof text === 'function') return [key, (...values: never[]) => pseudo(text(...values))];
    return [key, pseudoTexts(text)];
  });
  return Object.fromEntries(entries) as T;
}
