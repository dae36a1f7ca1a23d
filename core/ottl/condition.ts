/**
 * Conditions of OTTL, ready to be asked about items. Nothing they do fails: what the Collector calls an error while it
 * looks (a key in a text, an index behind the end) is nil here, so one odd item does not hold up a batch.
 */

import { didYouMean } from '../../config/suggest.ts'
import { compile, type PatternError } from '../formats/re2.ts'
import { compare, type OttlValue } from './compare.ts'
import { OttlError } from './lexer.ts'
import { type CallValue, type Condition, parseCondition, type Value } from './parser.ts'
import { ENUMS, type Getter, readingOf } from './paths.ts'
import type { Context, Subject } from './subject.ts'
import { likeText } from './text.ts'

export { OttlError } from './lexer.ts'

export type Predicate = (subject: Subject) => boolean

/** Throws OttlError. */
export function compileCondition(text: string, context: Context): Predicate {
  return new Compiler(context).condition(parseCondition(text))
}

type Function = (args: readonly Value[], call: CallValue, compiler: Compiler) => Predicate

/** Those of ottlfuncs (0.155) that are here. */
const FUNCTIONS: Readonly<Record<string, Function>> = {
  IsMatch(args, call, compiler) {
    const [target] = compiler.arguments(args, call, 2)
    const text = args[1]!
    if (text.kind !== 'literal' || typeof text.value !== 'string')
      throw new OttlError(
        'the pattern of IsMatch must be a text',
        call.offset,
        'write IsMatch(path, "pattern")',
      )
    try {
      const matcher = compile(text.value)
      return subject => {
        const value = target!(subject)
        return value !== null && matcher.test(likeText(value))
      }
    } catch (error) {
      throw new OttlError(
        `"${text.value}" is no pattern: ${(error as PatternError).message}`,
        call.offset,
        'write it in RE2 syntax',
      )
    }
  },
  IsString: isType(value => typeof value === 'string'),
  IsBool: isType(value => typeof value === 'boolean'),
  IsInt: isType(value => typeof value === 'bigint'),
  IsDouble: isType(value => typeof value === 'number'),
  IsMap: isType(
    value =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array),
  ),
  IsList: isType(value => Array.isArray(value)),
}

function isType(is: (value: OttlValue) => boolean): Function {
  return (args, call, compiler) => {
    const [value] = compiler.arguments(args, call, 1)
    return subject => is(value!(subject))
  }
}

class Compiler {
  readonly #context: Context
  /** How many paths so far read the item itself. */
  #ownPaths = 0

  constructor(context: Context) {
    this.#context = context
  }

  condition(condition: Condition): Predicate {
    switch (condition.kind) {
      case 'constant':
        return () => condition.value
      case 'not': {
        const part = this.condition(condition.part)
        return subject => !part(subject)
      }
      case 'and': {
        const parts = condition.parts.map(part => this.condition(part))
        return subject => parts.every(part => part(subject))
      }
      case 'or': {
        const parts = condition.parts.map(part => this.condition(part))
        return subject => parts.some(part => part(subject))
      }
      case 'call':
        return this.#askedOnce(() => this.#call(condition))
      case 'compare':
        return this.#askedOnce(() => {
          const { op } = condition
          const left = this.#value(condition.left)
          const right = this.#value(condition.right)
          return subject => compare(op, left(subject), right(subject))
        })
    }
  }

  /** What does not look at the item is asked once for all that have the same around them: a pattern may take long. */
  #askedOnce(make: () => Predicate): Predicate {
    const before = this.#ownPaths
    const predicate = make()
    if (this.#ownPaths > before) return predicate
    let around = -1
    let answer = false
    return subject => {
      if (subject.around !== around) {
        answer = predicate(subject)
        around = subject.around
      }
      return answer
    }
  }

  /** Getters of the arguments of a function that wants so many. */
  arguments(args: readonly Value[], { name, offset }: CallValue, count: number): readonly Getter[] {
    if (args.length !== count)
      throw new OttlError(
        `${name} takes ${count}, not ${args.length}`,
        offset,
        `write ${name}(${count === 1 ? 'path' : 'path, "pattern"'})`,
      )
    return args.map(arg => this.#value(arg))
  }

  #call(call: CallValue): Predicate {
    const make = Object.hasOwn(FUNCTIONS, call.name) ? FUNCTIONS[call.name] : undefined
    if (make !== undefined) return make(call.args, call, this)
    throw new OttlError(
      `the function ${call.name} is not here`,
      call.offset,
      didYouMean(call.name, Object.keys(FUNCTIONS)),
    )
  }

  #value(value: Value): Getter {
    switch (value.kind) {
      case 'literal':
        return () => value.value
      case 'path': {
        const { getter, isAround } = readingOf(value, this.#context)
        if (!isAround) this.#ownPaths++
        return getter
      }
      case 'call':
        return this.#call(value)
      case 'list': {
        const items = value.items.map(item => this.#value(item))
        return subject => items.map(item => item(subject))
      }
      case 'enum': {
        const known = ENUMS[this.#context]
        if (!Object.hasOwn(known, value.name))
          throw new OttlError(
            `there is no ${value.name}`,
            value.offset,
            didYouMean(value.name, Object.keys(known)),
          )
        const number = known[value.name]!
        return () => number
      }
    }
  }
}
