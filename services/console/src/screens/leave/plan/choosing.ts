import type { User } from '../../../api/session';
import type { Step } from '../search';
import type { ActionInput, Choices, Line, Successor } from './choices';

export interface StepProps {
  user: User;
  choices: Choices;
  onChoose: (change: (before: Choices) => Choices) => void;
  goTo: (step: Step) => void;
  /** False if the choices could not be kept on the server. */
  isKept: boolean;
}

/** Changes of the choices, as the parts of the step make them. */
export interface Choosing {
  choices: Choices;
  act: (rule: string, action: ActionInput | undefined) => void;
  give: (rule: string, to: Successor | undefined) => void;
  tell: (text: string | undefined) => void;
  showRows: (line: Line, count: number) => void;
  askWho: (rule: string, label: string) => void;
}
