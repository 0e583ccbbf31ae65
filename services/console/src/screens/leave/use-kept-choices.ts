import { useEffect, useRef, useState } from 'react';
import type { Choices } from './plan/choices';
import { saveDraft } from './queries';

/** Milliseconds after the last change. */
const PAUSE = 800;

/** Keeps the choices on the server for 7 days. @returns false if that has failed */
export function useKeptChoices(userId: string, choices: Choices, isOver: boolean): boolean {
  const [isKept, setIsKept] = useState(true);
  const saved = useRef(choices);
  useEffect(() => {
    if (isOver || saved.current === choices) return;
    const timer = setTimeout(() => {
      saved.current = choices;
      saveDraft(userId, choices).then(
        () => setIsKept(true),
        (_refused: unknown) => setIsKept(false),
      );
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [userId, choices, isOver]);
  return isKept;
}
