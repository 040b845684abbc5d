@echo off
rem Starts Bellman on Windows: finds Java, builds what is missing, runs the command line.
rem Not tested on Windows yet. Unlike the script for Linux and macOS it builds only when nothing is
rem built; after a change of the sources run: mvn -Dmaven.test.skip=true -Dspotless.check.skip=true package
setlocal EnableExtensions
set "HOME_DIR=%~dp0"
set "APP=%HOME_DIR%benchmarks\target\app"

set "JAVA=java"
if defined JAVA_HOME if exist "%JAVA_HOME%\bin\java.exe" set "JAVA=%JAVA_HOME%\bin\java.exe"
set "VERSION="
for /f "tokens=3" %%v in ('call "%JAVA%" -version 2^>^&1 ^| findstr /i "version"') do if not defined VERSION set "VERSION=%%~v"
if not defined VERSION (
  echo bellman: Java 17 or newer is needed; install a JDK and set JAVA_HOME to it. 1>&2
  exit /b 1
)
for /f "tokens=1 delims=.-+" %%m in ("%VERSION%") do set "MAJOR=%%m"
if %MAJOR% LSS 17 (
  echo bellman: Java 17 or newer is needed, %JAVA% is %VERSION%; set JAVA_HOME to a newer JDK. 1>&2
  exit /b 1
)

if not exist "%APP%\rl-*.jar" (
  where mvn >nul 2>nul
  if errorlevel 1 (
    echo bellman: nothing is built yet and there is no Maven; install Maven 3.8 or newer. 1>&2
    exit /b 1
  )
  echo building Bellman ^(first run^) ... 1>&2
  pushd "%HOME_DIR%"
  call mvn -q -B -Dmaven.test.skip=true -Dspotless.check.skip=true package 1>&2
  if errorlevel 1 (
    popd
    echo bellman: the build failed; its messages stand above. 1>&2
    exit /b 1
  )
  popd
)

rem OpenMP reads these when it loads, which is before Java sees --threads.
if not defined OMP_NUM_THREADS set "OMP_NUM_THREADS=%NUMBER_OF_PROCESSORS%"
set "PREVIOUS="
for %%a in (%*) do call :threads "%%~a"
set "OMP_WAIT_POLICY=passive"

set "NATIVE="
if %MAJOR% GEQ 22 set "NATIVE=--enable-native-access=ALL-UNNAMED"
"%JAVA%" -Xshare:auto -XX:+UseSerialGC -Xms64m -Xmx768m "-Dbellman.launcher=%HOME_DIR%bellman.cmd" %NATIVE% %BELLMAN_JAVA_OPTS% -cp "%APP%\*" bellman.rl.cli.Main %*
exit /b %ERRORLEVEL%

rem The shell splits --threads=4 at the equals sign, so both spellings arrive as two words.
:threads
if "%PREVIOUS%"=="--threads" set "OMP_NUM_THREADS=%~1"
set "PREVIOUS=%~1"
exit /b 0
