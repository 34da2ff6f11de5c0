// The instructions of harness.ts, each made to run one row of a fixture: operands from the cells, results to the cells.

import { add, fadd, fsub, fsubr, sub } from "../../assembly/float80/add";
import { fpatan } from "../../assembly/float80/arctangent";
import { fbld, fbstp } from "../../assembly/float80/bcd";
import { compareQuiet, compareSignalling, fcom, ftst, fucom } from "../../assembly/float80/compare";
import { fldConstant, LN_2, LOG2_10, LOG2_E, LOG10_2, NOUGHT, ONE, PI } from "../../assembly/float80/constants";
import { convert, fld, fst } from "../../assembly/float80/convert";
import { div, fdiv, fdivr } from "../../assembly/float80/div";
import { flags } from "../../assembly/float80/environment";
import { fma } from "../../assembly/float80/fma";
import { fist, fisttp, frndint, fromInteger, roundToIntegral, toInteger, truncateToInteger } from "../../assembly/float80/integer";
import { f2xm1, fyl2x, fyl2xp1 } from "../../assembly/float80/logarithm";
import { fmul, mul } from "../../assembly/float80/mul";
import { fprem, fprem1 } from "../../assembly/float80/remainder";
import { fscale, fxtract } from "../../assembly/float80/scale";
import { fsqrt, sqrt } from "../../assembly/float80/sqrt";
import { fcos, fptan, fsin, fsincos } from "../../assembly/float80/trigonometry";
import { Extended } from "../../assembly/float80/unpacked";

const CELL: usize = 16;
const OPERANDS: usize = memory.data(48, 16);
const RESULTS: usize = memory.data(48, 16);
const FIRST: usize = OPERANDS;
const SECOND: usize = OPERANDS + CELL;
const THIRD: usize = OPERANDS + 2 * CELL;

/** C3, C2 and C0 of the last comparison. */
let condition: u32 = 0;

export function operandCell(index: i32): usize {
  condition = 0;
  return OPERANDS + CELL * index;
}

export function resultCell(index: i32): usize {
  return RESULTS + CELL * index;
}

export function raised(): u32 {
  return flags | condition;
}

function first<T>(): T {
  return load<T>(FIRST);
}

function second<T>(): T {
  return load<T>(SECOND);
}

function third<T>(): T {
  return load<T>(THIRD);
}

function result<T>(value: T): void {
  store<T>(RESULTS, value);
}

function relation(bits: u32): void {
  condition = bits << 8;
}

export function addssRow(control: u32): void {
  result<u32>(add<u32>(first<u32>(), second<u32>(), control));
}

export function addsdRow(control: u32): void {
  result<u64>(add<u64>(first<u64>(), second<u64>(), control));
}

export function subssRow(control: u32): void {
  result<u32>(sub<u32>(first<u32>(), second<u32>(), control));
}

export function subsdRow(control: u32): void {
  result<u64>(sub<u64>(first<u64>(), second<u64>(), control));
}

export function mulssRow(control: u32): void {
  result<u32>(mul<u32>(first<u32>(), second<u32>(), control));
}

export function mulsdRow(control: u32): void {
  result<u64>(mul<u64>(first<u64>(), second<u64>(), control));
}

export function divssRow(control: u32): void {
  result<u32>(div<u32>(first<u32>(), second<u32>(), control));
}

export function divsdRow(control: u32): void {
  result<u64>(div<u64>(first<u64>(), second<u64>(), control));
}

export function sqrtssRow(control: u32): void {
  result<u32>(sqrt<u32>(first<u32>(), control));
}

export function sqrtsdRow(control: u32): void {
  result<u64>(sqrt<u64>(first<u64>(), control));
}

export function fmaddssRow(control: u32): void {
  result<u32>(fma<u32>(first<u32>(), second<u32>(), third<u32>(), control));
}

export function fmaddsdRow(control: u32): void {
  result<u64>(fma<u64>(first<u64>(), second<u64>(), third<u64>(), control));
}

export function cvtsd2ssRow(control: u32): void {
  result<u32>(convert<u64, u32>(first<u64>(), control));
}

export function cvtss2sdRow(control: u32): void {
  result<u64>(convert<u32, u64>(first<u32>(), control));
}

export function comissRow(control: u32): void {
  result<u8>(<u8>compareSignalling<u32>(first<u32>(), second<u32>(), control));
}

export function comisdRow(control: u32): void {
  result<u8>(<u8>compareSignalling<u64>(first<u64>(), second<u64>(), control));
}

export function ucomissRow(control: u32): void {
  result<u8>(<u8>compareQuiet<u32>(first<u32>(), second<u32>(), control));
}

export function ucomisdRow(control: u32): void {
  result<u8>(<u8>compareQuiet<u64>(first<u64>(), second<u64>(), control));
}

export function cvtss2silRow(control: u32): void {
  result<i32>(toInteger<u32, i32>(first<u32>(), control));
}

export function cvtss2siqRow(control: u32): void {
  result<i64>(toInteger<u32, i64>(first<u32>(), control));
}

export function cvtsd2silRow(control: u32): void {
  result<i32>(toInteger<u64, i32>(first<u64>(), control));
}

export function cvtsd2siqRow(control: u32): void {
  result<i64>(toInteger<u64, i64>(first<u64>(), control));
}

export function cvttss2silRow(control: u32): void {
  result<i32>(truncateToInteger<u32, i32>(first<u32>(), control));
}

export function cvttss2siqRow(control: u32): void {
  result<i64>(truncateToInteger<u32, i64>(first<u32>(), control));
}

export function cvttsd2silRow(control: u32): void {
  result<i32>(truncateToInteger<u64, i32>(first<u64>(), control));
}

export function cvttsd2siqRow(control: u32): void {
  result<i64>(truncateToInteger<u64, i64>(first<u64>(), control));
}

export function cvtsi2sslRow(control: u32): void {
  result<u32>(fromInteger<u32>(first<i32>(), control));
}

export function cvtsi2sdlRow(control: u32): void {
  result<u64>(fromInteger<u64>(first<i32>(), control));
}

export function cvtsi2ssqRow(control: u32): void {
  result<u32>(fromInteger<u32>(first<i64>(), control));
}

export function cvtsi2sdqRow(control: u32): void {
  result<u64>(fromInteger<u64>(first<i64>(), control));
}

export function roundssRow(control: u32): void {
  result<u32>(roundToIntegral<u32>(first<u32>(), second<u32>(), control));
}

export function roundsdRow(control: u32): void {
  result<u64>(roundToIntegral<u64>(first<u64>(), second<u32>(), control));
}

export function faddRow(control: u32): void {
  fadd<Extended>(RESULTS, FIRST, SECOND, control);
}

export function fsubRow(control: u32): void {
  fsub<Extended>(RESULTS, FIRST, SECOND, control);
}

export function fsubrRow(control: u32): void {
  fsubr<Extended>(RESULTS, FIRST, SECOND, control);
}

export function fmulRow(control: u32): void {
  fmul<Extended>(RESULTS, FIRST, SECOND, control);
}

export function fdivRow(control: u32): void {
  fdiv<Extended>(RESULTS, FIRST, SECOND, control);
}

export function fdivrRow(control: u32): void {
  fdivr<Extended>(RESULTS, FIRST, SECOND, control);
}

export function faddsRow(control: u32): void {
  fadd<f32>(RESULTS, FIRST, SECOND, control);
}

export function faddlRow(control: u32): void {
  fadd<f64>(RESULTS, FIRST, SECOND, control);
}

export function fiaddsRow(control: u32): void {
  fadd<i16>(RESULTS, FIRST, SECOND, control);
}

export function fiaddlRow(control: u32): void {
  fadd<i32>(RESULTS, FIRST, SECOND, control);
}

export function fsubsRow(control: u32): void {
  fsub<f32>(RESULTS, FIRST, SECOND, control);
}

export function fsubrlRow(control: u32): void {
  fsubr<f64>(RESULTS, FIRST, SECOND, control);
}

export function fmulsRow(control: u32): void {
  fmul<f32>(RESULTS, FIRST, SECOND, control);
}

export function fimullRow(control: u32): void {
  fmul<i32>(RESULTS, FIRST, SECOND, control);
}

export function fdivlRow(control: u32): void {
  fdiv<f64>(RESULTS, FIRST, SECOND, control);
}

export function fidivrsRow(control: u32): void {
  fdivr<i16>(RESULTS, FIRST, SECOND, control);
}

export function fdivrsRow(control: u32): void {
  fdivr<f32>(RESULTS, FIRST, SECOND, control);
}

export function fsqrtRow(control: u32): void {
  fsqrt(RESULTS, FIRST, control);
}

export function frndintRow(control: u32): void {
  frndint(RESULTS, FIRST, control);
}

export function fpremRow(control: u32): void {
  fprem(RESULTS, FIRST, SECOND, control);
}

export function fprem1Row(control: u32): void {
  fprem1(RESULTS, FIRST, SECOND, control);
}

export function fscaleRow(control: u32): void {
  fscale(RESULTS, FIRST, SECOND, control);
}

export function fxtractRow(control: u32): void {
  fxtract(RESULTS + CELL, RESULTS, FIRST, control);
}

export function fcomRow(control: u32): void {
  relation(fcom<Extended>(FIRST, SECOND, control));
}

export function fcomsRow(control: u32): void {
  relation(fcom<f32>(FIRST, SECOND, control));
}

export function ficomlRow(control: u32): void {
  relation(fcom<i32>(FIRST, SECOND, control));
}

export function fucomRow(control: u32): void {
  relation(fucom(FIRST, SECOND, control));
}

export function ftstRow(control: u32): void {
  relation(ftst(FIRST, control));
}

export function fldsRow(control: u32): void {
  fld<f32>(RESULTS, FIRST, control);
}

export function fldlRow(control: u32): void {
  fld<f64>(RESULTS, FIRST, control);
}

export function fildsRow(control: u32): void {
  fld<i16>(RESULTS, FIRST, control);
}

export function fildlRow(control: u32): void {
  fld<i32>(RESULTS, FIRST, control);
}

export function fildqRow(control: u32): void {
  fld<i64>(RESULTS, FIRST, control);
}

export function fbldRow(control: u32): void {
  fbld(RESULTS, FIRST, control);
}

export function fstsRow(control: u32): void {
  fst<u32>(RESULTS, FIRST, control);
}

export function fstlRow(control: u32): void {
  fst<u64>(RESULTS, FIRST, control);
}

export function fistsRow(control: u32): void {
  fist<i16>(RESULTS, FIRST, control);
}

export function fistlRow(control: u32): void {
  fist<i32>(RESULTS, FIRST, control);
}

export function fistpqRow(control: u32): void {
  fist<i64>(RESULTS, FIRST, control);
}

export function fisttpsRow(control: u32): void {
  fisttp<i16>(RESULTS, FIRST, control);
}

export function fisttplRow(control: u32): void {
  fisttp<i32>(RESULTS, FIRST, control);
}

export function fisttpqRow(control: u32): void {
  fisttp<i64>(RESULTS, FIRST, control);
}

export function fbstpRow(control: u32): void {
  fbstp(RESULTS, FIRST, control);
}

export function fld1Row(control: u32): void {
  fldConstant(RESULTS, ONE, control);
}

export function fldl2tRow(control: u32): void {
  fldConstant(RESULTS, LOG2_10, control);
}

export function fldl2eRow(control: u32): void {
  fldConstant(RESULTS, LOG2_E, control);
}

export function fldpiRow(control: u32): void {
  fldConstant(RESULTS, PI, control);
}

export function fldlg2Row(control: u32): void {
  fldConstant(RESULTS, LOG10_2, control);
}

export function fldln2Row(control: u32): void {
  fldConstant(RESULTS, LN_2, control);
}

export function fldzRow(control: u32): void {
  fldConstant(RESULTS, NOUGHT, control);
}

export function f2xm1Row(control: u32): void {
  f2xm1(RESULTS, FIRST, control);
}

export function fsinRow(control: u32): void {
  fsin(RESULTS, FIRST, control);
}

export function fcosRow(control: u32): void {
  fcos(RESULTS, FIRST, control);
}

export function fsincosRow(control: u32): void {
  fsincos(RESULTS + CELL, RESULTS, FIRST, control);
}

export function fptanRow(control: u32): void {
  fptan(RESULTS + CELL, RESULTS, FIRST, control);
}

export function fyl2xRow(control: u32): void {
  fyl2x(RESULTS, FIRST, SECOND, control);
}

export function fyl2xp1Row(control: u32): void {
  fyl2xp1(RESULTS, FIRST, SECOND, control);
}

export function fpatanRow(control: u32): void {
  fpatan(RESULTS, FIRST, SECOND, control);
}
